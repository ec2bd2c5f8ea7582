// The verbs of the command line. Each function adds its subcommands; the one that the user chose leaves what
// is to be done in `verb`, which gives the process's exit code.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace grapnel::cli {

using Verb = std::function<int()>;

void add_run_verbs(CLI::App& app, Verb& verb, char** argv);      // train, val, test
void add_predict_verb(CLI::App& app, Verb& verb, char** argv);   // predict
void add_hooks_verbs(CLI::App& app, Verb& verb);                 // hooks list, hooks describe
void add_config_verbs(CLI::App& app, Verb& verb);                // config check, config show
void add_data_verbs(CLI::App& app, Verb& verb);                  // data fashion-scenes
void add_coco_eval_verb(CLI::App& app, Verb& verb);              // coco-eval

}  // namespace grapnel::cli
