# The installed program trains with the installed hooks, and with hooks of a stranger dropped into a folder.
include(${CMAKE_CURRENT_LIST_DIR}/installed.cmake)
set(folder ${WORK_DIR}/projects/train)
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
compile_plugin(${C_COMPILER} ${CONSUMERS}/c_only/StepCounter.c ${folder}/my_hooks/StepCounter.so)
compile_plugin("${CXX_COMPILER};-std=c++17" ${CONSUMERS}/cxx_only/RunGreeter.cpp
               ${folder}/my_hooks/RunGreeter.so)
write_small_config(${folder}/run.toml [=[
[plugins]
directories = ["my_hooks"]
[[custom_hooks]]
type = "StepCounter"
[[custom_hooks]]
type = "RunGreeter"
word = "grapnel"
[[custom_hooks]]
type = "EMAHook"
]=])
run(IN ${folder} COMMAND ${PREFIX}/bin/grapnel config check run.toml)
run(IN ${folder} OUTPUT said COMMAND ${PREFIX}/bin/grapnel train run.toml)
expect_says("${said}" "counted 80 steps")
expect_says("${said}" "the word is grapnel")
expect_says("${said}" "accuracy/top1")
expect_file(${folder}/run/epoch_2.pth)
run(IN ${folder} OUTPUT said COMMAND ${PREFIX}/bin/grapnel val run.toml --checkpoint run/epoch_2.pth)
expect_says("${said}" "accuracy/top1")
# The shipped config is complete as it lies there.
run(IN ${folder}
    COMMAND ${PREFIX}/bin/grapnel config check ${PREFIX}/share/grapnel/configs/fashion_classifier.toml)
