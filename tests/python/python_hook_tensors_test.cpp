// PythonHook: tensors reach numpy (and torch, where it is installed) without a copy, for a callback's time.
#include "python_hook_fixture.hpp"

namespace grapnel::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PythonHookTensors : public PythonHookTest {
 protected:
  // A hook whose only method is `body` (indented by eight), called at `point`.
  CallResult run(const std::string& point, const std::string& body) {
    const CallResult loaded = load(
        "import math, ctypes, json, numpy\n"
        "class Body:\n    def " +
        point + "(self, runner, **kwargs):\n" + body);
    return loaded ? host_.call(point) : loaded;
  }
};

// Modules from lib-dynload and numpy's own find the interpreter's symbols though the plugin is loaded
// locally.
TEST_F(PythonHookTensors, ExtensionModulesFindTheInterpreter) {
  const CallResult result = run("before_run", R"(
        import _ctypes, _json, _decimal, decimal, array, select
        assert 'lib-dynload' in _decimal.__file__ or _decimal.__file__, _decimal
        assert float(decimal.Decimal(1) / 8) == 0.125
        assert ctypes.sizeof(ctypes.c_double) == 8 and json.loads('[1]') == [1] and math.sqrt(4) == 2
        assert numpy.linalg.norm(numpy.array([3.0, 4.0])) == 5.0
)");
  EXPECT_TRUE(result) << result;
}

TEST_F(PythonHookTensors, AParameterIsTheHostsOwnMemory) {
  host_.parameters.push_back({"conv.weight", PlainTensor::floats({1, 2, 3, 4, 5, 6}, {2, 3}), 0, true});
  host_.buffers.push_back({"bn.steps", PlainTensor::integers({7}), 0, false});
  const auto address = reinterpret_cast<uintptr_t>(host_.parameters[0].tensor.view().data);
  const CallResult result = run("before_train_epoch", R"(
        (name, weight), = runner.model.named_parameters()
        assert name == weight.name == 'conv.weight' and weight.requires_grad and not weight.read_only
        assert weight.shape == (2, 3) and weight.strides == (3, 1)
        assert weight.ndim == 2 and weight.numel() == 6
        assert weight.dtype == 'float32' and weight.device == 'cpu' and len(weight) == 2
        assert weight.__dlpack_device__() == (1, 0)
        array = weight.numpy()
        assert array.ctypes.data == weight.data_ptr() == )" +
                                                          std::to_string(address) + R"(
        assert numpy.from_dlpack(weight).ctypes.data == weight.data_ptr()
        assert numpy.asarray(weight).ctypes.data == weight.detach().cpu().data_ptr()
        assert array.tolist() == weight.tolist() == [[1, 2, 3], [4, 5, 6]]
        array[1] *= 10
        name, steps = next(iter(runner.model.named_buffers()))
        assert steps.item() == 7 and steps.dtype == 'int64'
        steps.numpy()[...] = 8
        assert [tensor.name for tensor in runner.model.parameters()] == ['conv.weight']
)");
  EXPECT_TRUE(result) << result;
  EXPECT_THAT(host_.parameters[0].tensor.values(), ElementsAre(1, 2, 3, 40, 50, 60));
  EXPECT_THAT(host_.buffers[0].tensor.values(), ElementsAre(8));
  EXPECT_THAT(host_.log_lines("kept"), IsEmpty());
}

TEST_F(PythonHookTensors, StridesAndOffsetsAreFollowed) {
  host_.parameters.push_back({"w", PlainTensor::floats({1, 2, 3, 4, 5, 6}, {2, 3}).column_major(5), 0, true});
  const CallResult result = run("before_train", R"(
        weight, = runner.model.parameters()
        assert weight.strides == (1, 2) and weight.tolist() == [[1, 2, 3], [4, 5, 6]]
        assert numpy.from_dlpack(weight).tolist() == weight.tolist() == weight.numpy().tolist()
        weight.numpy()[0, 2] = 9
)");
  EXPECT_TRUE(result) << result;
  EXPECT_THAT(host_.parameters[0].tensor.values(), ElementsAre(1, 2, 9, 4, 5, 6));
}

TEST_F(PythonHookTensors, EachDtypeIsRead) {
  host_.batch = {{"f64", PlainTensor::doubles({0.5, -1})},
                 {"i64", PlainTensor::integers({-5, 6})},
                 {"u8", PlainTensor::bytes({0, 255})},
                 {"f16", PlainTensor::zeros({GRAPNEL_DTYPE_FLOAT, 16, 1}, {3})},
                 {"bf16", PlainTensor::zeros({GRAPNEL_DTYPE_BFLOAT, 16, 1}, {2})},
                 {"i16", PlainTensor::zeros({GRAPNEL_DTYPE_INT, 16, 1}, {1})},
                 {"empty", PlainTensor::floats({}, {0, 4})}};
  const uint16_t halves[] = {0x3C00, 0xC100, 0x0001};  // 1, -2.5, 2 to the power of -24
  host_.batch[3].second.take_storage(halves);
  const uint16_t bfloats[] = {0x3F80, 0xC0A0};  // 1, -5
  host_.batch[4].second.take_storage(bfloats);
  const CallResult result = run("after_train_iter", R"(
        batch = kwargs['data_batch']
        lists = {name: tensor.tolist() for name, tensor in batch.items()}
        assert lists == {'f64': [0.5, -1], 'i64': [-5, 6], 'u8': [0, 255], 'f16': [1, -2.5, 2 ** -24],
                         'bf16': [1, -5], 'i16': [0], 'empty': []}, lists
        for name, tensor in batch.items():
            if name != 'bf16': assert tensor.numpy().tolist() == tensor.tolist()
        assert batch['bf16'].dtype == 'bfloat16' and batch['empty'].numpy().shape == (0, 4)
        try:
            batch['bf16'].numpy()
        except TypeError as error:
            runner.logger.info(str(error))
)");
  EXPECT_TRUE(result) << result;
  EXPECT_THAT(host_.log_lines("bfloat16"), SizeIs(1));
}

TEST_F(PythonHookTensors, AnOutputOfOneElementIsANumber) {
  host_.outputs = {{"loss", PlainTensor::scalar(1.5f)}, {"pair", PlainTensor::floats({1, 2})}};
  const CallResult result = run("after_train_iter", R"(
        outputs = kwargs['outputs']
        loss = outputs['loss']
        assert isinstance(outputs, dict) and list(outputs) == ['loss', 'pair']
        assert loss.item() == float(loss) == 1.5 and int(loss) == 1 and bool(loss) and loss.shape == ()
        assert f'{loss:.2f}' == '1.50' and loss > 1 and loss <= 1.5 and not loss < 1
        assert numpy.isfinite(loss)
        runner.message_hub.update_scalar('train/loss', loss)
        try:
            outputs['pair'].item()
        except ValueError as error:
            runner.logger.info(str(error))
)");
  EXPECT_TRUE(result) << result;
  EXPECT_THAT(host_.scalars["train/loss"], ElementsAre(1.5));
  EXPECT_THAT(host_.log_lines("'pair' has 2"), SizeIs(1));
}

TEST_F(PythonHookTensors, WhatTheContractForbidsToWriteIsReadOnly) {
  ASSERT_TRUE(load(R"(
class Tries:
    def look(self, runner, tensors):
        runner.message_hub.update_info('writable', [t.name for t in tensors if t.numpy().flags.writeable])
        assert all(t.read_only != t.numpy().flags.writeable for t in tensors)
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.look(runner, [*data_batch.values(), *self.model(runner)])
        data_batch['inputs'].numpy()[0] = 5
    def after_backward(self, runner, batch_idx, data_batch=None, outputs=None):
        self.look(runner, [*data_batch.values(), *outputs.values(), *self.model(runner)])
    def before_optimizer_step(self, runner, batch_idx, data_batch=None, outputs=None):
        self.look(runner, [*data_batch.values(), *outputs.values(), *self.model(runner)])
        for weight in runner.model.parameters():
            if weight.grad is not None: weight.grad.numpy()[...] *= 2
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.look(runner, [*data_batch.values(), *outputs.values(), *self.model(runner)])
        outputs['loss'].numpy()[...] = 0
    def model(self, runner):
        weight, frozen = runner.model.parameters()
        assert frozen.grad is None and not frozen.requires_grad
        return weight, weight.grad
)"));
  host_.batch = {{"inputs", PlainTensor::floats({1, 2})}};
  host_.outputs = {{"loss", PlainTensor::scalar(1)}};
  host_.parameters = {{"w", PlainTensor::floats({1}), 0, true},
                      {"frozen", PlainTensor::floats({1}), 0, false}};
  host_.gradients = host_.parameters;
  host_.gradients[0].tensor = PlainTensor::floats({3});
  host_.gradients[1].tensor.is_missing = true;

  CallResult result = host_.call("before_train_iter");
  ASSERT_TRUE(result) << result;
  EXPECT_EQ(info("writable"), R"(["inputs", "w"])");
  EXPECT_THAT(host_.batch[0].second.values(), ElementsAre(5, 2));
  ASSERT_TRUE(host_.call("after_backward"));
  EXPECT_EQ(info("writable"), R"(["w", "w.grad"])");
  result = host_.call("before_optimizer_step");
  ASSERT_TRUE(result) << result;
  EXPECT_EQ(info("writable"), R"(["w", "w.grad"])");
  EXPECT_THAT(host_.gradients[0].tensor.values(), ElementsAre(6));
  result = host_.call("after_train_iter");
  EXPECT_EQ(info("writable"), R"(["w"])");
  EXPECT_THAT(result.message, AllOf(HasSubstr("ValueError"), HasSubstr("read-only")));
  EXPECT_THAT(host_.outputs[0].second.values(), ElementsAre(1));
}

TEST_F(PythonHookTensors, ATensorThatWasKeptSaysThatItIsOver) {
  ASSERT_TRUE(load(R"(
class Keeper:
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.loss = outputs['loss']
    def after_train_epoch(self, runner):
        runner.logger.info(repr(self.loss))
        for use in ('item', 'numpy', 'tolist', '__dlpack__', 'data_ptr'):
            try:
                getattr(self.loss, use)()
            except ReferenceError as error:
                runner.logger.info('%s: %s', use, error)
)"));
  host_.outputs = {{"loss", PlainTensor::scalar(1.5f)}};
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_THAT(host_.log_lines("kept"), IsEmpty());  // no harm was done yet
  ASSERT_TRUE(host_.call("after_train_epoch"));
  EXPECT_THAT(host_.log_lines("'loss' was lent for the time of after_train_iter only: copy what you keep"),
              SizeIs(5));
  EXPECT_THAT(host_.log_lines("taken back"), SizeIs(1));
}

TEST_F(PythonHookTensors, AKeptViewIsWarnedOfOnce) {
  ASSERT_TRUE(load(R"(
import numpy
class Keeper:
    def __init__(self): self.kept = []
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        loss = outputs['loss']
        self.copy = loss.numpy().copy()
        self.unused = None
        capsule = loss.__dlpack__()
        self.kept += [loss.numpy(), numpy.from_dlpack(loss)]
)"));
  host_.outputs = {{"loss", PlainTensor::scalar(1.5f)}};
  ASSERT_TRUE(host_.call("after_train_iter"));
  ASSERT_TRUE(host_.call("after_train_iter"));
  EXPECT_THAT(host_.log_lines("after_train_iter kept 2 view(s) of lent tensors", GRAPNEL_LOG_WARNING),
              SizeIs(1));
  EXPECT_THAT(host_.log_lines("copy what you keep"), SizeIs(1));
}

TEST_F(PythonHookTensors, DlpackRefusesWhatItCannotDo) {
  host_.parameters.push_back({"w", PlainTensor::floats({1}), 0, true});
  const CallResult result = run("before_train", R"(
        weight, = runner.model.parameters()
        for wrong in ({'copy': True}, {'dl_device': (2, 0)}):
            try:
                weight.__dlpack__(**wrong)
            except BufferError as error:
                runner.logger.info('refused: %s', error)
        weight.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=False)
        weight.__dlpack__(stream=None)
)");
  EXPECT_TRUE(result) << result;
  EXPECT_THAT(host_.log_lines("refused"), SizeIs(2));
  EXPECT_THAT(host_.log_lines("kept"), IsEmpty());
}

TEST_F(PythonHookTensors, ModulesAndTheirAttributesAreReached) {
  ModuleAttribute rate;
  rate.name = "drop_rate";
  rate.kind = GRAPNEL_KIND_FLOAT;
  rate.number = 0.5;
  host_.modules = {
      {"", "Net", false, false, {}},
      {"head",
       "Head",
       false,
       false,
       {ModuleAttribute::boolean("on", false), ModuleAttribute::integer_value("classes", 3, false), rate}},
      {"head.bn", "BatchNorm2d", true, false, {}}};
  host_.parameters = {{"head.bn.weight", PlainTensor::floats({4}), 2, true},
                      {"w", PlainTensor::floats({5}), 0, true}};
  const CallResult result = run("before_train", R"(
        model = runner.model
        assert [name for name, _ in model.named_modules()] == ['', 'head', 'head.bn']
        assert repr(model) == '<Net>'
        assert model.head.classes == 3 and model.head.on is False and model.w.item() == 5
        assert model.head.bn.weight.item() == 4
        assert [name for name, _ in model.head.named_parameters()] == ['bn.weight']
        model.head.on = True
        model.head.drop_rate = 1
        model.set_epoch(2)
        for wrong in ("model.head.classes = 4", "model.head.off", "model.head.on = 'yes'"):
            try:
                exec(wrong)
            except (RuntimeError, AttributeError) as error:
                runner.logger.info('refused: %s', error)
)");
  EXPECT_TRUE(result) << result;
  EXPECT_EQ(host_.modules[1].attributes[0].integer, 1);
  EXPECT_EQ(host_.modules[1].attributes[2].number, 1.0);
  EXPECT_EQ(host_.model_epoch, 2);
  EXPECT_THAT(host_.log_lines("refused"), SizeIs(3));
}

TEST_F(PythonHookTensors, TorchSharesTheMemoryWhereItIsInstalled) {
  host_.parameters.push_back({"w", PlainTensor::floats({1, 2, 3, 4}, {2, 2}).column_major(3), 0, true});
  const CallResult result = run("before_train", R"(
        try:
            import torch
        except ImportError:
            runner.logger.info('no torch')
            return
        weight, = runner.model.parameters()
        tensor = torch.from_dlpack(weight)
        assert tensor.data_ptr() == weight.data_ptr() and tensor.tolist() == [[1, 2], [3, 4]]
        tensor.mul_(2)
)");
  ASSERT_TRUE(result) << result;
  if (!host_.log_lines("no torch").empty()) GTEST_SKIP() << "torch is not installed for the system's Python";
  EXPECT_THAT(host_.parameters[0].tensor.values(), ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(host_.log_lines("kept"), IsEmpty());
}

}  // namespace
}  // namespace grapnel::testing
