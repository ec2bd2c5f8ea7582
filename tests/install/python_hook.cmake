# The installed PythonHook runs a class from a .py file beside the config.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
set(folder ${WORK_DIR}/projects/python_hook)
file(REMOVE_RECURSE ${folder})
file(WRITE ${folder}/step_teller.py [=[
class StepTeller:
    def after_run(self, runner):
        runner.logger.info('told of %d steps', runner.iter)
]=])
write_small_config(${folder}/run.toml [=[
[[custom_hooks]]
type = "PythonHook"
file = "step_teller.py"
]=])
run(IN ${folder} OUTPUT said COMMAND ${PREFIX}/bin/grapnel train run.toml)
expect_says("${said}" "told of 80 steps")
