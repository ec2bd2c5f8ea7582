//! Grapnel's C headers in Rust, name for name: structures, constants and service ids of hook ABI 1.0.
//!
//! Copy it as it is: it depends on nothing and declares no function. What the fields mean, who owns what
//! and when a call is allowed is written in the header that each part is named after. Wherever C may pass
//! NULL for a function, the field is an `Option`; ids and names end in the NUL that C expects.
#![allow(dead_code, non_camel_case_types)]

use std::os::raw::{c_char, c_void};

// ---- version.h -----------------------------------------------------------------------------------------

pub const GRAPNEL_ABI_MAJOR: u32 = 1;
pub const GRAPNEL_ABI_MINOR: u32 = 0;

// ---- status.h ------------------------------------------------------------------------------------------

pub type grapnel_status = i32;

pub const GRAPNEL_STATUS_OK: grapnel_status = 0;
pub const GRAPNEL_STATUS_FAILED: grapnel_status = 1;
pub const GRAPNEL_STATUS_INVALID_ARGUMENT: grapnel_status = 2;
pub const GRAPNEL_STATUS_NOT_FOUND: grapnel_status = 3;
pub const GRAPNEL_STATUS_UNSUPPORTED: grapnel_status = 4;
pub const GRAPNEL_STATUS_IO: grapnel_status = 5;
pub const GRAPNEL_STATUS_INTERNAL: grapnel_status = 6;

#[repr(C)]
pub struct grapnel_error {
    pub struct_size: u32,
    pub code: grapnel_status,
    pub text: *mut c_char,
    pub capacity: u64,
}

// ---- tensor.h ------------------------------------------------------------------------------------------

pub const GRAPNEL_DTYPE_INT: i32 = 0;
pub const GRAPNEL_DTYPE_UINT: i32 = 1;
pub const GRAPNEL_DTYPE_FLOAT: i32 = 2;
pub const GRAPNEL_DTYPE_BFLOAT: i32 = 4;

pub const GRAPNEL_DEVICE_CPU: i32 = 1;
pub const GRAPNEL_DEVICE_CUDA: i32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_device {
    pub r#type: i32,
    pub id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_dtype {
    pub code: u8,
    pub bits: u8,
    pub lanes: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_tensor {
    pub data: *mut c_void,
    pub device: grapnel_device,
    pub ndim: i32,
    pub dtype: grapnel_dtype,
    pub shape: *mut i64,
    pub strides: *mut i64,
    pub byte_offset: u64,
}

// ---- options.h -----------------------------------------------------------------------------------------

pub const GRAPNEL_KIND_NONE: i32 = 0;
pub const GRAPNEL_KIND_BOOL: i32 = 1;
pub const GRAPNEL_KIND_INT: i32 = 2;
pub const GRAPNEL_KIND_FLOAT: i32 = 3;
pub const GRAPNEL_KIND_STRING: i32 = 4;
pub const GRAPNEL_KIND_BOOL_LIST: i32 = 5;
pub const GRAPNEL_KIND_INT_LIST: i32 = 6;
pub const GRAPNEL_KIND_FLOAT_LIST: i32 = 7;
pub const GRAPNEL_KIND_STRING_LIST: i32 = 8;
pub const GRAPNEL_KIND_TREE: i32 = 9;

pub const GRAPNEL_OPTION_DEFAULTED: i32 = 0;
pub const GRAPNEL_OPTION_REQUIRED: i32 = 1;
pub const GRAPNEL_OPTION_OPTIONAL: i32 = 2;

#[repr(C)]
pub struct grapnel_option {
    pub struct_size: u32,
    pub kind: i32,
    pub presence: i32,
    pub reserved: i32,
    pub name: *const c_char,
    pub summary: *const c_char,
    pub default_text: *const c_char,
    pub min: f64,
    pub max: f64,
    pub choices: *const *const c_char,
    pub choice_count: u64,
    pub min_items: u64,
    pub max_items: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_value {
    pub struct_size: u32,
    pub kind: i32,
    pub name: *const c_char,
    pub is_set: i64,
    pub integer: i64,
    pub number: f64,
    pub text: *const c_char,
    pub integers: *const i64,
    pub numbers: *const f64,
    pub texts: *const *const c_char,
    pub count: u64,
}

// ---- host.h --------------------------------------------------------------------------------------------

#[repr(C)]
pub struct grapnel_host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub instance_key: *const c_char,
    pub data: *mut c_void,
    pub get_service: unsafe extern "C" fn(host: *const grapnel_host, id: *const c_char) -> *const c_void,
}

// ---- points.h ------------------------------------------------------------------------------------------

pub const GRAPNEL_POINT_BEFORE_RUN: i32 = 0;
pub const GRAPNEL_POINT_AFTER_RUN: i32 = 1;
pub const GRAPNEL_POINT_BEFORE_TRAIN: i32 = 2;
pub const GRAPNEL_POINT_AFTER_TRAIN: i32 = 3;
pub const GRAPNEL_POINT_BEFORE_TRAIN_EPOCH: i32 = 4;
pub const GRAPNEL_POINT_AFTER_TRAIN_EPOCH: i32 = 5;
pub const GRAPNEL_POINT_BEFORE_TRAIN_ITER: i32 = 6;
pub const GRAPNEL_POINT_AFTER_TRAIN_ITER: i32 = 7;
pub const GRAPNEL_POINT_BEFORE_VAL: i32 = 8;
pub const GRAPNEL_POINT_AFTER_VAL: i32 = 9;
pub const GRAPNEL_POINT_BEFORE_VAL_EPOCH: i32 = 10;
pub const GRAPNEL_POINT_AFTER_VAL_EPOCH: i32 = 11;
pub const GRAPNEL_POINT_BEFORE_VAL_ITER: i32 = 12;
pub const GRAPNEL_POINT_AFTER_VAL_ITER: i32 = 13;
pub const GRAPNEL_POINT_BEFORE_TEST: i32 = 14;
pub const GRAPNEL_POINT_AFTER_TEST: i32 = 15;
pub const GRAPNEL_POINT_BEFORE_TEST_EPOCH: i32 = 16;
pub const GRAPNEL_POINT_AFTER_TEST_EPOCH: i32 = 17;
pub const GRAPNEL_POINT_BEFORE_TEST_ITER: i32 = 18;
pub const GRAPNEL_POINT_AFTER_TEST_ITER: i32 = 19;
pub const GRAPNEL_POINT_BEFORE_SAVE_CHECKPOINT: i32 = 20;
pub const GRAPNEL_POINT_AFTER_LOAD_CHECKPOINT: i32 = 21;
pub const GRAPNEL_POINT_AFTER_SAVE_CHECKPOINT: i32 = 22;
pub const GRAPNEL_POINT_AFTER_BACKWARD: i32 = 23;
pub const GRAPNEL_POINT_BEFORE_OPTIMIZER_STEP: i32 = 24;
pub const GRAPNEL_POINT_ON_EXCEPTION: i32 = 25;
pub const GRAPNEL_POINT_ON_INTERRUPT: i32 = 26;
pub const GRAPNEL_POINT_COUNT: i32 = 27;

pub const GRAPNEL_MODE_NONE: i32 = 0;
pub const GRAPNEL_MODE_TRAIN: i32 = 1;
pub const GRAPNEL_MODE_VAL: i32 = 2;
pub const GRAPNEL_MODE_TEST: i32 = 3;

#[repr(C)]
pub struct grapnel_point_args {
    pub struct_size: u32,
    pub point: i32,
    pub mode: i32,
    pub by_epoch: i32,
    pub epoch: i64,
    pub iter: i64,
    pub batch_idx: i64,
    pub max_epochs: i64,
    pub max_iters: i64,
    pub epoch_length: i64,
    pub checkpoint_path: *const c_char,
    pub message: *const c_char,
}

pub type grapnel_point_fn = Option<
    unsafe extern "C" fn(
        self_: *mut c_void,
        args: *const grapnel_point_args,
        error: *mut grapnel_error,
    ) -> grapnel_status,
>;

// ---- state.h -------------------------------------------------------------------------------------------

#[repr(C)]
pub struct grapnel_state_writer {
    pub struct_size: u32,
    pub reserved: u32,
    pub stream: *mut c_void,
    pub write: unsafe extern "C" fn(
        stream: *mut c_void,
        bytes: *const c_void,
        size: u64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub write_tensor: unsafe extern "C" fn(
        stream: *mut c_void,
        name: *const c_char,
        tensor: *const grapnel_tensor,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

#[repr(C)]
pub struct grapnel_state_reader {
    pub struct_size: u32,
    pub reserved: u32,
    pub stream: *mut c_void,
    pub plugin_version: *const c_char,
    pub read: unsafe extern "C" fn(
        stream: *mut c_void,
        bytes: *mut c_void,
        capacity: u64,
        got: *mut u64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub find_tensor: unsafe extern "C" fn(
        stream: *mut c_void,
        name: *const c_char,
        tensor: *mut grapnel_tensor,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

// ---- hook.h --------------------------------------------------------------------------------------------

#[repr(C)]
pub struct grapnel_hook_vtable {
    pub struct_size: u32,
    pub reserved: u32,
    pub create: Option<
        unsafe extern "C" fn(
            host: *const grapnel_host,
            values: *const grapnel_value,
            count: u64,
            value_size: u64,
            self_: *mut *mut c_void,
            error: *mut grapnel_error,
        ) -> grapnel_status,
    >,
    pub destroy: Option<unsafe extern "C" fn(self_: *mut c_void)>,
    pub save_state: Option<
        unsafe extern "C" fn(
            self_: *mut c_void,
            writer: *const grapnel_state_writer,
            error: *mut grapnel_error,
        ) -> grapnel_status,
    >,
    pub load_state: Option<
        unsafe extern "C" fn(
            self_: *mut c_void,
            reader: *const grapnel_state_reader,
            error: *mut grapnel_error,
        ) -> grapnel_status,
    >,
    pub before_run: grapnel_point_fn,
    pub after_run: grapnel_point_fn,
    pub before_train: grapnel_point_fn,
    pub after_train: grapnel_point_fn,
    pub before_train_epoch: grapnel_point_fn,
    pub after_train_epoch: grapnel_point_fn,
    pub before_train_iter: grapnel_point_fn,
    pub after_train_iter: grapnel_point_fn,
    pub before_val: grapnel_point_fn,
    pub after_val: grapnel_point_fn,
    pub before_val_epoch: grapnel_point_fn,
    pub after_val_epoch: grapnel_point_fn,
    pub before_val_iter: grapnel_point_fn,
    pub after_val_iter: grapnel_point_fn,
    pub before_test: grapnel_point_fn,
    pub after_test: grapnel_point_fn,
    pub before_test_epoch: grapnel_point_fn,
    pub after_test_epoch: grapnel_point_fn,
    pub before_test_iter: grapnel_point_fn,
    pub after_test_iter: grapnel_point_fn,
    pub before_save_checkpoint: grapnel_point_fn,
    pub after_load_checkpoint: grapnel_point_fn,
    pub after_save_checkpoint: grapnel_point_fn,
    pub after_backward: grapnel_point_fn,
    pub before_optimizer_step: grapnel_point_fn,
    pub on_exception: grapnel_point_fn,
    pub on_interrupt: grapnel_point_fn,
}

// ---- plugin.h ------------------------------------------------------------------------------------------

pub const GRAPNEL_ENTRY_SYMBOL: &str = "grapnel_plugin_v1\0";

pub const GRAPNEL_PRIORITY_HIGHEST: i32 = 0;
pub const GRAPNEL_PRIORITY_VERY_HIGH: i32 = 10;
pub const GRAPNEL_PRIORITY_HIGH: i32 = 30;
pub const GRAPNEL_PRIORITY_ABOVE_NORMAL: i32 = 40;
pub const GRAPNEL_PRIORITY_NORMAL: i32 = 50;
pub const GRAPNEL_PRIORITY_BELOW_NORMAL: i32 = 60;
pub const GRAPNEL_PRIORITY_LOW: i32 = 70;
pub const GRAPNEL_PRIORITY_VERY_LOW: i32 = 90;
pub const GRAPNEL_PRIORITY_LOWEST: i32 = 100;

#[repr(C)]
pub struct grapnel_plugin {
    pub struct_size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub default_priority: i32,
    pub r#type: *const c_char,
    pub version: *const c_char,
    pub author: *const c_char,
    pub license: *const c_char,
    pub summary: *const c_char,
    pub torch_version: *const c_char,
    pub options: *const grapnel_option,
    pub option_count: u64,
    pub option_size: u64,
    pub vtable: *const grapnel_hook_vtable,
}

pub const GRAPNEL_NOTE_OWNER: &str = "Grapnel\0";
pub const GRAPNEL_NOTE_TYPE: u32 = 1;
pub const GRAPNEL_NOTE_SECTION: &str = ".note.grapnel\0";
pub const GRAPNEL_NOTE_DESCRIPTION_SIZE: u32 = 104;

#[repr(C)]
pub struct grapnel_note {
    pub name_size: u32,
    pub description_size: u32,
    pub note_type: u32,
    pub owner: [c_char; 8],
    pub abi_major: u32,
    pub abi_minor: u32,
    pub r#type: [c_char; 64],
    pub torch_version: [c_char; 32],
}

// The plugin's tables are static, constant data that point to other static, constant data.
unsafe impl Sync for grapnel_option {}
unsafe impl Sync for grapnel_plugin {}

// ---- services/log.h ------------------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_LOG: &str = "grapnel.log/1\0";

pub const GRAPNEL_LOG_DEBUG: i32 = 0;
pub const GRAPNEL_LOG_INFO: i32 = 1;
pub const GRAPNEL_LOG_WARNING: i32 = 2;
pub const GRAPNEL_LOG_ERROR: i32 = 3;

#[repr(C)]
pub struct grapnel_log_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub write: unsafe extern "C" fn(host: *const grapnel_host, level: i32, text: *const c_char),
    pub is_enabled: unsafe extern "C" fn(host: *const grapnel_host, level: i32) -> i32,
}

// ---- services/runner.h ---------------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_RUNNER: &str = "grapnel.runner/1\0";

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_run_state {
    pub struct_size: u32,
    pub mode: i32,
    pub by_epoch: i32,
    pub is_resumed: i32,
    pub epoch: i64,
    pub iter: i64,
    pub batch_idx: i64,
    pub max_epochs: i64,
    pub max_iters: i64,
    pub train_epoch_length: i64,
    pub val_epoch_length: i64,
    pub test_epoch_length: i64,
    pub accumulative_counts: i64,
    pub val_interval: i64,
    pub seed: u64,
}

#[repr(C)]
pub struct grapnel_runner_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub get_state: unsafe extern "C" fn(host: *const grapnel_host, state: *mut grapnel_run_state),
    pub work_dir: unsafe extern "C" fn(host: *const grapnel_host) -> *const c_char,
    pub log_dir: unsafe extern "C" fn(host: *const grapnel_host) -> *const c_char,
    pub config_json: unsafe extern "C" fn(host: *const grapnel_host) -> *const c_char,
    pub evaluation_table: unsafe extern "C" fn(host: *const grapnel_host) -> *const c_char,
    pub request_stop: unsafe extern "C" fn(
        host: *const grapnel_host,
        reason: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub request_validation:
        unsafe extern "C" fn(host: *const grapnel_host, error: *mut grapnel_error) -> grapnel_status,
    pub request_save: unsafe extern "C" fn(
        host: *const grapnel_host,
        file_name: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub request_skip_step: unsafe extern "C" fn(
        host: *const grapnel_host,
        reason: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub veto_checkpoint: unsafe extern "C" fn(
        host: *const grapnel_host,
        reason: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

// ---- services/values.h ---------------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_VALUES: &str = "grapnel.values/1\0";

pub const GRAPNEL_VALUES_BATCH: i32 = 0;
pub const GRAPNEL_VALUES_OUTPUTS: i32 = 1;
pub const GRAPNEL_VALUES_METRICS: i32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_named_value {
    pub struct_size: u32,
    pub is_tensor: i32,
    pub name: *const c_char,
    pub number: f64,
    pub tensor: grapnel_tensor,
}

#[repr(C)]
pub struct grapnel_values_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub count: unsafe extern "C" fn(host: *const grapnel_host, group: i32) -> u64,
    pub get: unsafe extern "C" fn(
        host: *const grapnel_host,
        group: i32,
        index: u64,
        value: *mut grapnel_named_value,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub get_number: unsafe extern "C" fn(
        host: *const grapnel_host,
        group: i32,
        name: *const c_char,
        number: *mut f64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

// ---- services/model.h ----------------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_MODEL: &str = "grapnel.model/1\0";

pub const GRAPNEL_MODEL_PARAMETERS: i32 = 0;
pub const GRAPNEL_MODEL_BUFFERS: i32 = 1;
pub const GRAPNEL_MODEL_GRADIENTS: i32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_model_entry {
    pub struct_size: u32,
    pub requires_grad: i32,
    pub name: *const c_char,
    pub module_index: u64,
    pub tensor: grapnel_tensor,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_module {
    pub struct_size: u32,
    pub is_norm: i32,
    pub is_synchronized: i32,
    pub reserved: i32,
    pub name: *const c_char,
    pub r#type: *const c_char,
    pub attribute_count: u64,
}

#[repr(C)]
pub struct grapnel_model_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub count: unsafe extern "C" fn(host: *const grapnel_host, kind: i32) -> u64,
    pub get: unsafe extern "C" fn(
        host: *const grapnel_host,
        kind: i32,
        index: u64,
        entry: *mut grapnel_model_entry,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub module_count: unsafe extern "C" fn(host: *const grapnel_host) -> u64,
    pub get_module: unsafe extern "C" fn(
        host: *const grapnel_host,
        index: u64,
        module: *mut grapnel_module,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub get_attribute: unsafe extern "C" fn(
        host: *const grapnel_host,
        module_index: u64,
        attribute: u64,
        value: *mut grapnel_value,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_attribute: unsafe extern "C" fn(
        host: *const grapnel_host,
        module_index: u64,
        value: *const grapnel_value,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_epoch: unsafe extern "C" fn(
        host: *const grapnel_host,
        epoch: i64,
        max_epochs: i64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

// ---- services/optimizer.h ------------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_OPTIMIZER: &str = "grapnel.optimizer/1\0";

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_param_group {
    pub struct_size: u32,
    pub has_momentum: i32,
    pub name: *const c_char,
    pub parameter_count: u64,
    pub lr: f64,
    pub initial_lr: f64,
    pub momentum: f64,
    pub initial_momentum: f64,
    pub weight_decay: f64,
}

#[repr(C)]
pub struct grapnel_optimizer_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub group_count: unsafe extern "C" fn(host: *const grapnel_host) -> u64,
    pub get_group: unsafe extern "C" fn(
        host: *const grapnel_host,
        index: u64,
        group: *mut grapnel_param_group,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_lr: unsafe extern "C" fn(
        host: *const grapnel_host,
        index: u64,
        lr: f64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_momentum: unsafe extern "C" fn(
        host: *const grapnel_host,
        index: u64,
        momentum: f64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_weight_decay: unsafe extern "C" fn(
        host: *const grapnel_host,
        index: u64,
        weight_decay: f64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

// ---- services/data.h -----------------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_DATA: &str = "grapnel.data/1\0";

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_dataset_info {
    pub struct_size: u32,
    pub classes_given_as_string: i32,
    pub size: i64,
    pub class_count: u64,
    pub label_min: i64,
    pub label_max: i64,
    pub ann_file: *const c_char,
    pub config_key: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_transform_info {
    pub struct_size: u32,
    pub is_skipped: i32,
    pub r#type: *const c_char,
}

#[repr(C)]
pub struct grapnel_data_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub get_info: unsafe extern "C" fn(
        host: *const grapnel_host,
        mode: i32,
        info: *mut grapnel_dataset_info,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub class_name: unsafe extern "C" fn(host: *const grapnel_host, mode: i32, index: u64) -> *const c_char,
    pub transform_count: unsafe extern "C" fn(host: *const grapnel_host, mode: i32) -> u64,
    pub get_transform: unsafe extern "C" fn(
        host: *const grapnel_host,
        mode: i32,
        index: u64,
        info: *mut grapnel_transform_info,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_skipped_types: unsafe extern "C" fn(
        host: *const grapnel_host,
        mode: i32,
        types: *const *const c_char,
        count: u64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub replace_pipeline: unsafe extern "C" fn(
        host: *const grapnel_host,
        mode: i32,
        json: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_epoch: unsafe extern "C" fn(
        host: *const grapnel_host,
        mode: i32,
        epoch: i64,
        max_epochs: i64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub get_image_size: unsafe extern "C" fn(
        host: *const grapnel_host,
        height_px: *mut i64,
        width_px: *mut i64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_image_size: unsafe extern "C" fn(
        host: *const grapnel_host,
        height_px: i64,
        width_px: i64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
}

// ---- services/collectives.h ----------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_COLLECTIVES: &str = "grapnel.collectives/1\0";

pub const GRAPNEL_REDUCE_SUM: i32 = 0;
pub const GRAPNEL_REDUCE_MEAN: i32 = 1;
pub const GRAPNEL_REDUCE_MIN: i32 = 2;
pub const GRAPNEL_REDUCE_MAX: i32 = 3;

#[repr(C)]
pub struct grapnel_collectives_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub rank: unsafe extern "C" fn(host: *const grapnel_host) -> i32,
    pub world_size: unsafe extern "C" fn(host: *const grapnel_host) -> i32,
    pub local_rank: unsafe extern "C" fn(host: *const grapnel_host) -> i32,
    pub all_reduce: unsafe extern "C" fn(
        host: *const grapnel_host,
        tensor: *mut grapnel_tensor,
        operation: i32,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub broadcast: unsafe extern "C" fn(
        host: *const grapnel_host,
        tensor: *mut grapnel_tensor,
        root: i32,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub barrier: unsafe extern "C" fn(host: *const grapnel_host, error: *mut grapnel_error) -> grapnel_status,
}

// ---- services/message_hub.h ----------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_MESSAGE_HUB: &str = "grapnel.message_hub/1\0";

pub const GRAPNEL_STATISTIC_CURRENT: i32 = 0;
pub const GRAPNEL_STATISTIC_MEAN: i32 = 1;
pub const GRAPNEL_STATISTIC_MIN: i32 = 2;
pub const GRAPNEL_STATISTIC_MAX: i32 = 3;

#[repr(C)]
pub struct grapnel_message_hub_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub update_scalar: unsafe extern "C" fn(
        host: *const grapnel_host,
        key: *const c_char,
        value: f64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub get_scalar: unsafe extern "C" fn(
        host: *const grapnel_host,
        key: *const c_char,
        statistic: i32,
        window: u64,
        value: *mut f64,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub scalar_count: unsafe extern "C" fn(host: *const grapnel_host) -> u64,
    pub scalar_key: unsafe extern "C" fn(host: *const grapnel_host, index: u64) -> *const c_char,
    pub update_count: unsafe extern "C" fn(host: *const grapnel_host, key: *const c_char) -> u64,
    pub set_text: unsafe extern "C" fn(
        host: *const grapnel_host,
        key: *const c_char,
        text: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub get_text: unsafe extern "C" fn(host: *const grapnel_host, key: *const c_char) -> *const c_char,
}

// ---- services/checkpoint.h -----------------------------------------------------------------------------

pub const GRAPNEL_SERVICE_CHECKPOINT: &str = "grapnel.checkpoint/1\0";

#[repr(C)]
#[derive(Clone, Copy)]
pub struct grapnel_checkpoint_info {
    pub struct_size: u32,
    pub is_resume: i32,
    pub path: *const c_char,
    pub epoch: i64,
    pub iter: i64,
}

#[repr(C)]
pub struct grapnel_checkpoint_service {
    pub struct_size: u32,
    pub reserved: u32,
    pub get_info: unsafe extern "C" fn(
        host: *const grapnel_host,
        info: *mut grapnel_checkpoint_info,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub set_text: unsafe extern "C" fn(
        host: *const grapnel_host,
        key: *const c_char,
        text: *const c_char,
        error: *mut grapnel_error,
    ) -> grapnel_status,
    pub get_text: unsafe extern "C" fn(host: *const grapnel_host, key: *const c_char) -> *const c_char,
    pub last_path: unsafe extern "C" fn(host: *const grapnel_host) -> *const c_char,
}
