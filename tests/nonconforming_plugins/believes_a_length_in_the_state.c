/* Takes the length of a text from its state and makes that much room, whatever it says. */
#include "plain_hook.h"

static const char text[] = "forty-two";

PLAIN_SAVE(save_state) {
  const uint64_t size = sizeof text;
  const grapnel_status status = writer->write(writer->stream, &size, sizeof size, error);
  return status != GRAPNEL_STATUS_OK ? status : writer->write(writer->stream, text, size, error);
}

PLAIN_LOAD(load_state) {
  uint64_t size = 0;
  grapnel_status status = plain_read(reader, &size, sizeof size, error);
  if (status != GRAPNEL_STATUS_OK) return status;
  char* copy = (char*)malloc(size);
  memset(copy, 0, size);
  status = plain_read(reader, copy, size, error);
  free(copy);
  return status;
}

static const grapnel_hook_vtable vtable = {PLAIN_LIFE, .save_state = save_state, .load_state = load_state,
                                           .after_train_iter = plain_count};
PLAIN_PLUGIN("BelievesALengthInTheState", vtable);
