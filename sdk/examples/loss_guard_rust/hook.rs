//! The border between a hook in Rust and the host: no panic crosses it, no C type leaves it.
//!
//! Copy it beside grapnel.rs. It wraps what the loss guard uses of the services; the others are called in the
//! same way, through `Host::call`. A panic becomes an error status with its text and place.
#![allow(dead_code)]

use crate::grapnel::*;
use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::mem::size_of;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};
use std::sync::Once;

// ---- errors --------------------------------------------------------------------------------------------

/// What a hook returns to fail: the run ends with this text.
pub struct Error {
    pub status: grapnel_status,
    pub text: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl<T: Into<String>> From<T> for Error {
    fn from(text: T) -> Error {
        Error { status: GRAPNEL_STATUS_FAILED, text: text.into() }
    }
}

/// Copies the text into the caller's buffer, cut to fit between two characters, and gives the status back.
unsafe fn write_error(error: *mut grapnel_error, failure: &Error) -> grapnel_status {
    if let Some(error) = error.as_mut() {
        error.code = failure.status;
        if !error.text.is_null() && error.capacity > 0 {
            let mut size = failure.text.len().min(error.capacity as usize - 1);
            while !failure.text.is_char_boundary(size) {
                size -= 1;
            }
            std::ptr::copy_nonoverlapping(failure.text.as_ptr(), error.text as *mut u8, size);
            *error.text.add(size) = 0;
        }
    }
    failure.status
}

thread_local! {
    static PANIC_PLACE: RefCell<String> = RefCell::new(String::new());
}

/// Runs `body`; an error or a panic becomes a status and a text.
pub unsafe fn guarded(error: *mut grapnel_error, body: impl FnOnce() -> Result<()>) -> grapnel_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => GRAPNEL_STATUS_OK,
        Ok(Err(failure)) => write_error(error, &failure),
        Err(payload) => {
            let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
                (Some(text), _) => text,
                (_, Some(text)) => text.as_str(),
                _ => "no text",
            };
            let place = PANIC_PLACE.with(|place| place.take());
            let text = format!("it panicked at {}: {}", place, text);
            write_error(error, &Error { status: GRAPNEL_STATUS_INTERNAL, text })
        }
    }
}

/// Rust's own panic hook would write to stderr, which belongs to the host. This library has its own copy of
/// the standard library, so nobody else's hook is replaced.
fn keep_panics_off_stderr() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_hook(Box::new(|info| {
            let place = match info.location() {
                Some(at) => format!("{}:{}", at.file(), at.line()),
                None => "an unknown place".to_string(),
            };
            PANIC_PLACE.with(|kept| kept.replace(place));
        }));
    });
}

// ---- the host ------------------------------------------------------------------------------------------

fn c_text(text: &str) -> CString {
    // C would see the text end at an inner NUL: better to show where it was.
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

/// The host's services. A service that this host lacks is an error when it is used.
pub struct Host {
    host: *const grapnel_host,
    log: *const grapnel_log_service,
    runner: *const grapnel_runner_service,
    values: *const grapnel_values_service,
    message_hub: *const grapnel_message_hub_service,
}

impl Host {
    unsafe fn new(host: *const grapnel_host) -> Host {
        let find = |id: &str| ((*host).get_service)(host, id.as_ptr() as *const c_char);
        Host {
            host,
            log: find(GRAPNEL_SERVICE_LOG) as *const _,
            runner: find(GRAPNEL_SERVICE_RUNNER) as *const _,
            values: find(GRAPNEL_SERVICE_VALUES) as *const _,
            message_hub: find(GRAPNEL_SERVICE_MESSAGE_HUB) as *const _,
        }
    }

    /// Calls a function of a service table with the host and room for its message.
    fn call<T>(
        &self,
        table: *const T,
        id: &str,
        function: impl FnOnce(&T, *const grapnel_host, *mut grapnel_error) -> grapnel_status,
    ) -> Result<()> {
        // The table, if there is one, lives until destroy has returned, and with it this Host.
        let table = unsafe { table.as_ref() }.ok_or_else(|| Error {
            status: GRAPNEL_STATUS_UNSUPPORTED,
            text: format!("this host has no service {}", id.trim_end_matches('\0')),
        })?;
        let mut text = [0 as c_char; 1024];
        let mut error = grapnel_error {
            struct_size: size_of::<grapnel_error>() as u32,
            code: GRAPNEL_STATUS_OK,
            text: text.as_mut_ptr(),
            capacity: text.len() as u64,
        };
        match function(table, self.host, &mut error) {
            GRAPNEL_STATUS_OK => Ok(()),
            status => {
                let text = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
                Err(Error { status, text })
            }
        }
    }

    /// Writes one line; `level` is one of GRAPNEL_LOG_. A host without a log gets none.
    pub fn log(&self, level: i32, text: &str) {
        if let Some(log) = unsafe { self.log.as_ref() } {
            unsafe { (log.write)(self.host, level, c_text(text).as_ptr()) }
        }
    }

    /// A number of the step; `group` is one of GRAPNEL_VALUES_.
    pub fn number(&self, group: i32, name: &str) -> Result<f64> {
        let (name, mut number) = (c_text(name), 0.0);
        self.call(self.values, GRAPNEL_SERVICE_VALUES, |table, host, error| unsafe {
            (table.get_number)(host, group, name.as_ptr(), &mut number, error)
        })?;
        Ok(number)
    }

    pub fn update_scalar(&self, key: &str, value: f64) -> Result<()> {
        let key = c_text(key);
        self.call(self.message_hub, GRAPNEL_SERVICE_MESSAGE_HUB, |table, host, error| unsafe {
            (table.update_scalar)(host, key.as_ptr(), value, error)
        })
    }

    pub fn request_skip_step(&self, reason: &str) -> Result<()> {
        let reason = c_text(reason);
        self.call(self.runner, GRAPNEL_SERVICE_RUNNER, |table, host, error| unsafe {
            (table.request_skip_step)(host, reason.as_ptr(), error)
        })
    }

    pub fn request_stop(&self, reason: &str) -> Result<()> {
        let reason = c_text(reason);
        self.call(self.runner, GRAPNEL_SERVICE_RUNNER, |table, host, error| unsafe {
            (table.request_stop)(host, reason.as_ptr(), error)
        })
    }
}

// ---- options -------------------------------------------------------------------------------------------

/// One row of the option table. Each text ends in `\0`; `default_text` is what one would write in the config.
pub const fn option(
    kind: i32,
    name: &'static str,
    default_text: &'static str,
    summary: &'static str,
    min: f64,
    max: f64,
) -> grapnel_option {
    grapnel_option {
        struct_size: size_of::<grapnel_option>() as u32,
        kind,
        presence: GRAPNEL_OPTION_DEFAULTED,
        reserved: 0,
        name: name.as_ptr() as *const c_char,
        summary: summary.as_ptr() as *const c_char,
        default_text: default_text.as_ptr() as *const c_char,
        min,
        max,
        choices: std::ptr::null(),
        choice_count: 0,
        min_items: 0,
        max_items: 0,
    }
}

/// The checked options, as `create` got them.
pub struct Options {
    values: *const grapnel_value,
    count: u64,
    value_size: u64,
}

impl Options {
    fn find(&self, name: &str, kind: i32) -> Result<&grapnel_value> {
        for index in 0..self.count {
            // Rows may be longer than ours in a later host, so they lie value_size apart.
            let at = (self.values as usize + (index * self.value_size) as usize) as *const grapnel_value;
            let value = unsafe { &*at };
            if unsafe { CStr::from_ptr(value.name) }.to_bytes() == name.as_bytes() && value.kind == kind {
                return Ok(value);
            }
        }
        Err(format!("the hook reads the option '{}', which its table lacks in that kind", name).into())
    }
    pub fn integer(&self, name: &str) -> Result<i64> {
        Ok(self.find(name, GRAPNEL_KIND_INT)?.integer)
    }
    pub fn number(&self, name: &str) -> Result<f64> {
        Ok(self.find(name, GRAPNEL_KIND_FLOAT)?.number)
    }
    pub fn boolean(&self, name: &str) -> Result<bool> {
        Ok(self.find(name, GRAPNEL_KIND_BOOL)?.integer != 0)
    }
    pub fn text(&self, name: &str) -> Result<String> {
        let value = self.find(name, GRAPNEL_KIND_STRING)?;
        Ok(unsafe { CStr::from_ptr(value.text) }.to_string_lossy().into_owned())
    }
}

// ---- the hook ------------------------------------------------------------------------------------------

pub trait Hook: Sized {
    fn new(host: Host, options: &Options) -> Result<Self>;
}

pub unsafe extern "C" fn create<T: Hook>(
    host: *const grapnel_host,
    values: *const grapnel_value,
    count: u64,
    value_size: u64,
    self_: *mut *mut c_void,
    error: *mut grapnel_error,
) -> grapnel_status {
    keep_panics_off_stderr();
    guarded(error, || {
        let hook = T::new(Host::new(host), &Options { values, count, value_size })?;
        *self_ = Box::into_raw(Box::new(hook)) as *mut c_void;
        Ok(())
    })
}

pub unsafe extern "C" fn destroy<T: Hook>(self_: *mut c_void) {
    // There is nobody to tell of a panic: `destroy` has no status.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(self_ as *mut T))));
}

/// Every slot empty: what a hook's own table starts from.
pub const EMPTY_VTABLE: grapnel_hook_vtable = grapnel_hook_vtable {
    struct_size: size_of::<grapnel_hook_vtable>() as u32,
    reserved: 0,
    create: None,
    destroy: None,
    save_state: None,
    load_state: None,
    before_run: None,
    after_run: None,
    before_train: None,
    after_train: None,
    before_train_epoch: None,
    after_train_epoch: None,
    before_train_iter: None,
    after_train_iter: None,
    before_val: None,
    after_val: None,
    before_val_epoch: None,
    after_val_epoch: None,
    before_val_iter: None,
    after_val_iter: None,
    before_test: None,
    after_test: None,
    before_test_epoch: None,
    after_test_epoch: None,
    before_test_iter: None,
    after_test_iter: None,
    before_save_checkpoint: None,
    after_load_checkpoint: None,
    after_save_checkpoint: None,
    after_backward: None,
    before_optimizer_step: None,
    on_exception: None,
    on_interrupt: None,
};

const fn note_text<const N: usize>(text: &str) -> [c_char; N] {
    let bytes = text.as_bytes();
    let mut copy = [0 as c_char; N];
    let mut i = 0;
    while i < bytes.len() {
        copy[i] = bytes[i] as c_char; // a text that is too long does not compile
        i += 1;
    }
    copy
}

/// The ELF note, by which a host knows the file without running any of it.
pub const fn note(type_name: &str) -> grapnel_note {
    grapnel_note {
        name_size: GRAPNEL_NOTE_OWNER.len() as u32,
        description_size: GRAPNEL_NOTE_DESCRIPTION_SIZE,
        note_type: GRAPNEL_NOTE_TYPE,
        owner: note_text(GRAPNEL_NOTE_OWNER),
        abi_major: GRAPNEL_ABI_MAJOR,
        abi_minor: 0, // nothing that came after 1.0 is used
        r#type: note_text(type_name),
        torch_version: note_text(""),
    }
}

/// `export_hook!(Type, name: "TypeName", version: "1.0.0", author: "", license: "", summary: "one line",
/// points: [before_run, ...], options: [option(...), ...])`: makes Type the plugin's hook. Each point is a
/// method `fn(&mut self, &grapnel_point_args) -> Result<()>` of that name. Use it once in a library.
macro_rules! export_hook {
    ($hook:ty, name: $name:literal, version: $version:literal, author: $author:literal,
     license: $license:literal, summary: $summary:literal, points: [$($point:ident),* $(,)?],
     options: [$($option:expr),* $(,)?] $(,)?) => {
        static GRAPNEL_OPTIONS: &[$crate::grapnel::grapnel_option] = &[$($option),*];

        static GRAPNEL_VTABLE: $crate::grapnel::grapnel_hook_vtable = $crate::grapnel::grapnel_hook_vtable {
            create: Some($crate::hook::create::<$hook>),
            destroy: Some($crate::hook::destroy::<$hook>),
            $($point: {
                unsafe extern "C" fn $point(
                    self_: *mut std::os::raw::c_void,
                    args: *const $crate::grapnel::grapnel_point_args,
                    error: *mut $crate::grapnel::grapnel_error,
                ) -> $crate::grapnel::grapnel_status {
                    $crate::hook::guarded(error, || (*(self_ as *mut $hook)).$point(&*args))
                }
                Some($point)
            },)*
            ..$crate::hook::EMPTY_VTABLE
        };

        #[used]
        #[link_section = ".note.grapnel"]
        static GRAPNEL_NOTE: $crate::grapnel::grapnel_note = $crate::hook::note($name);

        #[no_mangle]
        #[allow(non_upper_case_globals)]
        pub static grapnel_plugin_v1: $crate::grapnel::grapnel_plugin = $crate::grapnel::grapnel_plugin {
            struct_size: std::mem::size_of::<$crate::grapnel::grapnel_plugin>() as u32,
            abi_major: $crate::grapnel::GRAPNEL_ABI_MAJOR,
            abi_minor: 0,
            default_priority: $crate::grapnel::GRAPNEL_PRIORITY_NORMAL,
            r#type: concat!($name, "\0").as_ptr() as *const _,
            version: concat!($version, "\0").as_ptr() as *const _,
            author: concat!($author, "\0").as_ptr() as *const _,
            license: concat!($license, "\0").as_ptr() as *const _,
            summary: concat!($summary, "\0").as_ptr() as *const _,
            torch_version: "\0".as_ptr() as *const _,
            options: GRAPNEL_OPTIONS.as_ptr(),
            option_count: GRAPNEL_OPTIONS.len() as u64,
            option_size: std::mem::size_of::<$crate::grapnel::grapnel_option>() as u64,
            vtable: &GRAPNEL_VTABLE,
        };
    };
}
