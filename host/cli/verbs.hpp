// The verbs of the command line. Each function adds its subcommands; the one that the user chose leaves what
// is to be done in `verb`, which gives the process's exit code.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace grapnel::cli {

using Verb = std::function<int()>;

void add_run_verbs(CLI::App& app, Verb& verb, char** argv);      // train, val, test
void add_predict_verb(CLI::App& app, Verb& verb, char** argv);   // predict
void add_hooks_verbs(CLI::App& app, Verb& verb);                 // hooks list, describe, check, new
void add_hooks_check_verb(CLI::App& hooks, Verb& verb);          // hooks check
void add_hooks_new_verb(CLI::App& hooks, Verb& verb);            // hooks new
void add_config_verbs(CLI::App& app, Verb& verb);                // config check, show, schema
void add_config_schema_verb(CLI::App& config, Verb& verb);       // config schema
void add_data_verbs(CLI::App& app, Verb& verb);                  // data fashion-scenes
void add_coco_eval_verb(CLI::App& app, Verb& verb);              // coco-eval
void add_weights_verb(CLI::App& app, Verb& verb);                // weights

}  // namespace grapnel::cli
