/* Where every field of every ABI struct lies, for good: hooks that are built today read and write these
 * places. A line changes only with the ABI's major; a minor appends fields, and lines here. Sizes are those
 * of this minor, for targets with 64-bit pointers. */
#ifndef GRAPNEL_TESTS_FROZEN_OFFSETS_H
#define GRAPNEL_TESTS_FROZEN_OFFSETS_H

#include <grapnel/grapnel.h>
#include <stddef.h>

#ifdef __cplusplus
#define FROZEN_ASSERT(condition, text) static_assert(condition, text)
#define FROZEN_ALIGNOF(type) alignof(type)
#else
#define FROZEN_ASSERT(condition, text) _Static_assert(condition, text)
#define FROZEN_ALIGNOF(type) _Alignof(type)
#endif
#define FROZEN_SIZE(type, size, alignment)                                \
  FROZEN_ASSERT(sizeof(type) == (size), "the size of " #type " changed"); \
  FROZEN_ASSERT(FROZEN_ALIGNOF(type) == (alignment), "the alignment of " #type " changed")
#define FROZEN(type, field, offset) \
  FROZEN_ASSERT(offsetof(type, field) == (offset), #type "." #field " moved")

/* status.h */
FROZEN_SIZE(grapnel_error, 24, 8);
FROZEN(grapnel_error, struct_size, 0);
FROZEN(grapnel_error, code, 4);
FROZEN(grapnel_error, text, 8);
FROZEN(grapnel_error, capacity, 16);

/* tensor.h */
FROZEN_SIZE(grapnel_device, 8, 4);
FROZEN(grapnel_device, type, 0);
FROZEN(grapnel_device, id, 4);
FROZEN_SIZE(grapnel_dtype, 4, 2);
FROZEN(grapnel_dtype, code, 0);
FROZEN(grapnel_dtype, bits, 1);
FROZEN(grapnel_dtype, lanes, 2);
FROZEN_SIZE(grapnel_tensor, 48, 8);
FROZEN(grapnel_tensor, data, 0);
FROZEN(grapnel_tensor, device, 8);
FROZEN(grapnel_tensor, ndim, 16);
FROZEN(grapnel_tensor, dtype, 20);
FROZEN(grapnel_tensor, shape, 24);
FROZEN(grapnel_tensor, strides, 32);
FROZEN(grapnel_tensor, byte_offset, 40);

/* options.h */
FROZEN_SIZE(grapnel_option, 88, 8);
FROZEN(grapnel_option, struct_size, 0);
FROZEN(grapnel_option, kind, 4);
FROZEN(grapnel_option, presence, 8);
FROZEN(grapnel_option, reserved, 12);
FROZEN(grapnel_option, name, 16);
FROZEN(grapnel_option, summary, 24);
FROZEN(grapnel_option, default_text, 32);
FROZEN(grapnel_option, min, 40);
FROZEN(grapnel_option, max, 48);
FROZEN(grapnel_option, choices, 56);
FROZEN(grapnel_option, choice_count, 64);
FROZEN(grapnel_option, min_items, 72);
FROZEN(grapnel_option, max_items, 80);
FROZEN_SIZE(grapnel_value, 80, 8);
FROZEN(grapnel_value, struct_size, 0);
FROZEN(grapnel_value, kind, 4);
FROZEN(grapnel_value, name, 8);
FROZEN(grapnel_value, is_set, 16);
FROZEN(grapnel_value, integer, 24);
FROZEN(grapnel_value, number, 32);
FROZEN(grapnel_value, text, 40);
FROZEN(grapnel_value, integers, 48);
FROZEN(grapnel_value, numbers, 56);
FROZEN(grapnel_value, texts, 64);
FROZEN(grapnel_value, count, 72);

/* host.h */
FROZEN_SIZE(grapnel_host, 48, 8);
FROZEN(grapnel_host, struct_size, 0);
FROZEN(grapnel_host, abi_minor, 4);
FROZEN(grapnel_host, name, 8);
FROZEN(grapnel_host, version, 16);
FROZEN(grapnel_host, instance_key, 24);
FROZEN(grapnel_host, data, 32);
FROZEN(grapnel_host, get_service, 40);

/* points.h */
FROZEN_SIZE(grapnel_point_args, 80, 8);
FROZEN(grapnel_point_args, struct_size, 0);
FROZEN(grapnel_point_args, point, 4);
FROZEN(grapnel_point_args, mode, 8);
FROZEN(grapnel_point_args, by_epoch, 12);
FROZEN(grapnel_point_args, epoch, 16);
FROZEN(grapnel_point_args, iter, 24);
FROZEN(grapnel_point_args, batch_idx, 32);
FROZEN(grapnel_point_args, max_epochs, 40);
FROZEN(grapnel_point_args, max_iters, 48);
FROZEN(grapnel_point_args, epoch_length, 56);
FROZEN(grapnel_point_args, checkpoint_path, 64);
FROZEN(grapnel_point_args, message, 72);

/* state.h */
FROZEN_SIZE(grapnel_state_writer, 32, 8);
FROZEN(grapnel_state_writer, struct_size, 0);
FROZEN(grapnel_state_writer, reserved, 4);
FROZEN(grapnel_state_writer, stream, 8);
FROZEN(grapnel_state_writer, write, 16);
FROZEN(grapnel_state_writer, write_tensor, 24);
FROZEN_SIZE(grapnel_state_reader, 40, 8);
FROZEN(grapnel_state_reader, struct_size, 0);
FROZEN(grapnel_state_reader, reserved, 4);
FROZEN(grapnel_state_reader, stream, 8);
FROZEN(grapnel_state_reader, plugin_version, 16);
FROZEN(grapnel_state_reader, read, 24);
FROZEN(grapnel_state_reader, find_tensor, 32);

/* hook.h */
FROZEN_SIZE(grapnel_hook_vtable, 256, 8);
FROZEN(grapnel_hook_vtable, struct_size, 0);
FROZEN(grapnel_hook_vtable, reserved, 4);
FROZEN(grapnel_hook_vtable, create, 8);
FROZEN(grapnel_hook_vtable, destroy, 16);
FROZEN(grapnel_hook_vtable, save_state, 24);
FROZEN(grapnel_hook_vtable, load_state, 32);
FROZEN(grapnel_hook_vtable, before_run, 40);
FROZEN(grapnel_hook_vtable, after_run, 48);
FROZEN(grapnel_hook_vtable, before_train, 56);
FROZEN(grapnel_hook_vtable, after_train, 64);
FROZEN(grapnel_hook_vtable, before_train_epoch, 72);
FROZEN(grapnel_hook_vtable, after_train_epoch, 80);
FROZEN(grapnel_hook_vtable, before_train_iter, 88);
FROZEN(grapnel_hook_vtable, after_train_iter, 96);
FROZEN(grapnel_hook_vtable, before_val, 104);
FROZEN(grapnel_hook_vtable, after_val, 112);
FROZEN(grapnel_hook_vtable, before_val_epoch, 120);
FROZEN(grapnel_hook_vtable, after_val_epoch, 128);
FROZEN(grapnel_hook_vtable, before_val_iter, 136);
FROZEN(grapnel_hook_vtable, after_val_iter, 144);
FROZEN(grapnel_hook_vtable, before_test, 152);
FROZEN(grapnel_hook_vtable, after_test, 160);
FROZEN(grapnel_hook_vtable, before_test_epoch, 168);
FROZEN(grapnel_hook_vtable, after_test_epoch, 176);
FROZEN(grapnel_hook_vtable, before_test_iter, 184);
FROZEN(grapnel_hook_vtable, after_test_iter, 192);
FROZEN(grapnel_hook_vtable, before_save_checkpoint, 200);
FROZEN(grapnel_hook_vtable, after_load_checkpoint, 208);
FROZEN(grapnel_hook_vtable, after_save_checkpoint, 216);
FROZEN(grapnel_hook_vtable, after_backward, 224);
FROZEN(grapnel_hook_vtable, before_optimizer_step, 232);
FROZEN(grapnel_hook_vtable, on_exception, 240);
FROZEN(grapnel_hook_vtable, on_interrupt, 248);

/* plugin.h */
FROZEN_SIZE(grapnel_plugin, 96, 8);
FROZEN(grapnel_plugin, struct_size, 0);
FROZEN(grapnel_plugin, abi_major, 4);
FROZEN(grapnel_plugin, abi_minor, 8);
FROZEN(grapnel_plugin, default_priority, 12);
FROZEN(grapnel_plugin, type, 16);
FROZEN(grapnel_plugin, version, 24);
FROZEN(grapnel_plugin, author, 32);
FROZEN(grapnel_plugin, license, 40);
FROZEN(grapnel_plugin, summary, 48);
FROZEN(grapnel_plugin, torch_version, 56);
FROZEN(grapnel_plugin, options, 64);
FROZEN(grapnel_plugin, option_count, 72);
FROZEN(grapnel_plugin, option_size, 80);
FROZEN(grapnel_plugin, vtable, 88);
FROZEN_SIZE(grapnel_note, 124, 4);
FROZEN(grapnel_note, name_size, 0);
FROZEN(grapnel_note, description_size, 4);
FROZEN(grapnel_note, note_type, 8);
FROZEN(grapnel_note, owner, 12);
FROZEN(grapnel_note, abi_major, 20);
FROZEN(grapnel_note, abi_minor, 24);
FROZEN(grapnel_note, type, 28);
FROZEN(grapnel_note, torch_version, 92);

/* services/checkpoint.h */
FROZEN_SIZE(grapnel_checkpoint_info, 32, 8);
FROZEN(grapnel_checkpoint_info, struct_size, 0);
FROZEN(grapnel_checkpoint_info, is_resume, 4);
FROZEN(grapnel_checkpoint_info, path, 8);
FROZEN(grapnel_checkpoint_info, epoch, 16);
FROZEN(grapnel_checkpoint_info, iter, 24);
FROZEN_SIZE(grapnel_checkpoint_service, 40, 8);
FROZEN(grapnel_checkpoint_service, struct_size, 0);
FROZEN(grapnel_checkpoint_service, reserved, 4);
FROZEN(grapnel_checkpoint_service, get_info, 8);
FROZEN(grapnel_checkpoint_service, set_text, 16);
FROZEN(grapnel_checkpoint_service, get_text, 24);
FROZEN(grapnel_checkpoint_service, last_path, 32);

/* services/collectives.h */
FROZEN_SIZE(grapnel_collectives_service, 56, 8);
FROZEN(grapnel_collectives_service, struct_size, 0);
FROZEN(grapnel_collectives_service, reserved, 4);
FROZEN(grapnel_collectives_service, rank, 8);
FROZEN(grapnel_collectives_service, world_size, 16);
FROZEN(grapnel_collectives_service, local_rank, 24);
FROZEN(grapnel_collectives_service, all_reduce, 32);
FROZEN(grapnel_collectives_service, broadcast, 40);
FROZEN(grapnel_collectives_service, barrier, 48);

/* services/data.h */
FROZEN_SIZE(grapnel_dataset_info, 56, 8);
FROZEN(grapnel_dataset_info, struct_size, 0);
FROZEN(grapnel_dataset_info, classes_given_as_string, 4);
FROZEN(grapnel_dataset_info, size, 8);
FROZEN(grapnel_dataset_info, class_count, 16);
FROZEN(grapnel_dataset_info, label_min, 24);
FROZEN(grapnel_dataset_info, label_max, 32);
FROZEN(grapnel_dataset_info, ann_file, 40);
FROZEN(grapnel_dataset_info, config_key, 48);
FROZEN_SIZE(grapnel_transform_info, 16, 8);
FROZEN(grapnel_transform_info, struct_size, 0);
FROZEN(grapnel_transform_info, is_skipped, 4);
FROZEN(grapnel_transform_info, type, 8);
FROZEN_SIZE(grapnel_data_service, 80, 8);
FROZEN(grapnel_data_service, struct_size, 0);
FROZEN(grapnel_data_service, reserved, 4);
FROZEN(grapnel_data_service, get_info, 8);
FROZEN(grapnel_data_service, class_name, 16);
FROZEN(grapnel_data_service, transform_count, 24);
FROZEN(grapnel_data_service, get_transform, 32);
FROZEN(grapnel_data_service, set_skipped_types, 40);
FROZEN(grapnel_data_service, replace_pipeline, 48);
FROZEN(grapnel_data_service, set_epoch, 56);
FROZEN(grapnel_data_service, get_image_size, 64);
FROZEN(grapnel_data_service, set_image_size, 72);

/* services/log.h */
FROZEN_SIZE(grapnel_log_service, 24, 8);
FROZEN(grapnel_log_service, struct_size, 0);
FROZEN(grapnel_log_service, reserved, 4);
FROZEN(grapnel_log_service, write, 8);
FROZEN(grapnel_log_service, is_enabled, 16);

/* services/message_hub.h */
FROZEN_SIZE(grapnel_message_hub_service, 64, 8);
FROZEN(grapnel_message_hub_service, struct_size, 0);
FROZEN(grapnel_message_hub_service, reserved, 4);
FROZEN(grapnel_message_hub_service, update_scalar, 8);
FROZEN(grapnel_message_hub_service, get_scalar, 16);
FROZEN(grapnel_message_hub_service, scalar_count, 24);
FROZEN(grapnel_message_hub_service, scalar_key, 32);
FROZEN(grapnel_message_hub_service, update_count, 40);
FROZEN(grapnel_message_hub_service, set_text, 48);
FROZEN(grapnel_message_hub_service, get_text, 56);

/* services/model.h */
FROZEN_SIZE(grapnel_model_entry, 72, 8);
FROZEN(grapnel_model_entry, struct_size, 0);
FROZEN(grapnel_model_entry, requires_grad, 4);
FROZEN(grapnel_model_entry, name, 8);
FROZEN(grapnel_model_entry, module_index, 16);
FROZEN(grapnel_model_entry, tensor, 24);
FROZEN_SIZE(grapnel_module, 40, 8);
FROZEN(grapnel_module, struct_size, 0);
FROZEN(grapnel_module, is_norm, 4);
FROZEN(grapnel_module, is_synchronized, 8);
FROZEN(grapnel_module, reserved, 12);
FROZEN(grapnel_module, name, 16);
FROZEN(grapnel_module, type, 24);
FROZEN(grapnel_module, attribute_count, 32);
FROZEN_SIZE(grapnel_model_service, 64, 8);
FROZEN(grapnel_model_service, struct_size, 0);
FROZEN(grapnel_model_service, reserved, 4);
FROZEN(grapnel_model_service, count, 8);
FROZEN(grapnel_model_service, get, 16);
FROZEN(grapnel_model_service, module_count, 24);
FROZEN(grapnel_model_service, get_module, 32);
FROZEN(grapnel_model_service, get_attribute, 40);
FROZEN(grapnel_model_service, set_attribute, 48);
FROZEN(grapnel_model_service, set_epoch, 56);

/* services/optimizer.h */
FROZEN_SIZE(grapnel_param_group, 64, 8);
FROZEN(grapnel_param_group, struct_size, 0);
FROZEN(grapnel_param_group, has_momentum, 4);
FROZEN(grapnel_param_group, name, 8);
FROZEN(grapnel_param_group, parameter_count, 16);
FROZEN(grapnel_param_group, lr, 24);
FROZEN(grapnel_param_group, initial_lr, 32);
FROZEN(grapnel_param_group, momentum, 40);
FROZEN(grapnel_param_group, initial_momentum, 48);
FROZEN(grapnel_param_group, weight_decay, 56);
FROZEN_SIZE(grapnel_optimizer_service, 48, 8);
FROZEN(grapnel_optimizer_service, struct_size, 0);
FROZEN(grapnel_optimizer_service, reserved, 4);
FROZEN(grapnel_optimizer_service, group_count, 8);
FROZEN(grapnel_optimizer_service, get_group, 16);
FROZEN(grapnel_optimizer_service, set_lr, 24);
FROZEN(grapnel_optimizer_service, set_momentum, 32);
FROZEN(grapnel_optimizer_service, set_weight_decay, 40);

/* services/runner.h */
FROZEN_SIZE(grapnel_run_state, 104, 8);
FROZEN(grapnel_run_state, struct_size, 0);
FROZEN(grapnel_run_state, mode, 4);
FROZEN(grapnel_run_state, by_epoch, 8);
FROZEN(grapnel_run_state, is_resumed, 12);
FROZEN(grapnel_run_state, epoch, 16);
FROZEN(grapnel_run_state, iter, 24);
FROZEN(grapnel_run_state, batch_idx, 32);
FROZEN(grapnel_run_state, max_epochs, 40);
FROZEN(grapnel_run_state, max_iters, 48);
FROZEN(grapnel_run_state, train_epoch_length, 56);
FROZEN(grapnel_run_state, val_epoch_length, 64);
FROZEN(grapnel_run_state, test_epoch_length, 72);
FROZEN(grapnel_run_state, accumulative_counts, 80);
FROZEN(grapnel_run_state, val_interval, 88);
FROZEN(grapnel_run_state, seed, 96);
FROZEN_SIZE(grapnel_runner_service, 88, 8);
FROZEN(grapnel_runner_service, struct_size, 0);
FROZEN(grapnel_runner_service, reserved, 4);
FROZEN(grapnel_runner_service, get_state, 8);
FROZEN(grapnel_runner_service, work_dir, 16);
FROZEN(grapnel_runner_service, log_dir, 24);
FROZEN(grapnel_runner_service, config_json, 32);
FROZEN(grapnel_runner_service, evaluation_table, 40);
FROZEN(grapnel_runner_service, request_stop, 48);
FROZEN(grapnel_runner_service, request_validation, 56);
FROZEN(grapnel_runner_service, request_save, 64);
FROZEN(grapnel_runner_service, request_skip_step, 72);
FROZEN(grapnel_runner_service, veto_checkpoint, 80);

/* services/values.h */
FROZEN_SIZE(grapnel_named_value, 72, 8);
FROZEN(grapnel_named_value, struct_size, 0);
FROZEN(grapnel_named_value, is_tensor, 4);
FROZEN(grapnel_named_value, name, 8);
FROZEN(grapnel_named_value, number, 16);
FROZEN(grapnel_named_value, tensor, 24);
FROZEN_SIZE(grapnel_values_service, 32, 8);
FROZEN(grapnel_values_service, struct_size, 0);
FROZEN(grapnel_values_service, reserved, 4);
FROZEN(grapnel_values_service, count, 8);
FROZEN(grapnel_values_service, get, 16);
FROZEN(grapnel_values_service, get_number, 24);

#endif
