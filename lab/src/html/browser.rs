//! Chromium without a window, driven through the protocol of its developer tools
//! (<https://chromedevtools.github.io/devtools-protocol/>).
//!
//! Chromium reads commands from descriptor 3 and writes results to descriptor 4, each with a NUL at
//! its end (`--remote-debugging-pipe`). So no server and no port is needed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::files::{at, create_folder, write};
use crate::tools::Tree;

/// The shell gives Chromium its pipes as the descriptors 3 and 4.
const SHELL: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

const PROGRAM: &str = "usr/lib/chromium/chromium-headless-shell";

/// No name of a host is resolved. The sandbox needs rights that containers lack.
const OPTIONS: [&str; 9] = [
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
];

/// The configuration of fontconfig, with the names that mean the fonts of a system.
const FONTS: &str = "\
<?xml version=\"1.0\"?>
<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">
<fontconfig>
  <dir>FONTS</dir>
  <cachedir>CACHE</cachedir>
  <alias><family>system-ui</family><prefer><family>Liberation Sans</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Liberation Sans</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>Liberation Mono</family></prefer></alias>
  <match><edit name=\"family\" mode=\"append\"><string>Liberation Sans</string></edit></match>
</fontconfig>
";

/// A running browser with one page.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    results: BufReader<ChildStdout>,
    session: Option<String>,
    last_id: u64,
    /// The events since the last page was opened.
    events: Vec<Value>,
}

impl Browser {
    /// Starts Chromium with its files in `folder`.
    pub(crate) fn start(tree: &Tree, folder: &Path) -> Result<Self, String> {
        let fonts = folder.join("fonts.conf");
        let configuration = FONTS
            .replace("FONTS", &tree.path("usr/share/fonts").to_string_lossy())
            .replace("CACHE", &folder.join("fonts").to_string_lossy());
        write(&fonts, configuration)?;
        let log = folder.join("browser.log");
        let home = create_folder(folder.join("home"))?;
        let mut command = Command::new("sh");
        command.args(["-c", SHELL]).arg(tree.path(PROGRAM)).args(OPTIONS);
        command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
        command.env("LD_LIBRARY_PATH", libraries(tree)).env("FONTCONFIG_FILE", &fonts);
        command.env("HOME", &home).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(File::create(&log).map_err(at(&log))?)
            .spawn()
            .map_err(|error| format!("chromium: {error}"))?;
        let (Some(commands), Some(results)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("chromium has no standard input or output".to_owned());
        };
        let results = BufReader::new(results);
        let (session, events) = (None, Vec::new());
        let mut browser = Browser { child, commands, results, session, last_id: 0, events };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target.get("targetId"), "flatten": true });
        let attached = browser.call("Target.attachToTarget", &attach)?;
        browser.session = attached.get("sessionId").and_then(Value::as_str).map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(browser)
    }

    /// Runs a command of the protocol and returns its result.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.last_id += 1;
        let id = self.last_id;
        let message = match &self.session {
            None => json!({ "id": id, "method": method, "params": parameters }),
            Some(session) => {
                json!({ "id": id, "method": method, "params": parameters, "sessionId": session })
            }
        };
        let failed = |why: &dyn std::fmt::Display| format!("chromium: {method}: {why}");
        let bytes = [message.to_string().as_bytes(), b"\0"].concat();
        self.commands.write_all(&bytes).map_err(|error| failed(&error))?;
        loop {
            let mut answer = self.read()?;
            if answer.get("id") != Some(&id.into()) {
                continue;
            }
            if let Some(error) = answer.get("error") {
                return Err(failed(error));
            }
            return Ok(take(&mut answer, "/result"));
        }
    }

    /// Reads a message. Keeps an event.
    fn read(&mut self) -> Result<Value, String> {
        let mut bytes = Vec::new();
        let read = self.results.read_until(0, &mut bytes).map_err(|error| error.to_string())?;
        ensure!(read > 0, "chromium ended; its log is browser.log");
        bytes.pop();
        let message: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        if message.get("method").is_some() {
            self.events.push(message.clone());
        }
        Ok(message)
    }

    /// Opens a file and waits until it is loaded. Forgets earlier events.
    pub(crate) fn open(&mut self, file: &Path, hash: &str) -> Result<(), String> {
        // Otherwise a new hash would not load the page again.
        self.call("Page.navigate", &json!({ "url": "about:blank" }))?;
        self.wait_for("Page.loadEventFired")?;
        self.events.clear();
        let url = format!("file://{}{hash}", file.display());
        self.call("Page.navigate", &json!({ "url": url }))?;
        self.wait_for("Page.loadEventFired")?;
        Ok(())
    }

    /// Waits, for events that come after the page is loaded.
    pub(crate) fn wait(&mut self, milliseconds: u32) -> Result<(), String> {
        let timer =
            format!("new Promise((done) => setTimeout(done, {milliseconds})).then(() => 0)");
        self.evaluate(&timer).map(drop)
    }

    fn wait_for(&mut self, method: &str) -> Result<(), String> {
        loop {
            let position = self.events.iter().position(|event| is(event, "/method", method));
            if let Some(position) = position {
                self.events.remove(position);
                return Ok(());
            }
            self.read()?;
        }
    }

    /// Returns the parameters of the events of this kind since the page was opened.
    pub(crate) fn events(&self, method: &str) -> Vec<&Value> {
        let events = self.events.iter().filter(|event| is(event, "/method", method));
        events.filter_map(|event| event.get("params")).collect()
    }

    /// Evaluates an expression in the page, and waits for a promise.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut result = self.call("Runtime.evaluate", &parameters)?;
        match result.get("exceptionDetails") {
            Some(exception) => Err(format!("{expression}: {exception}")),
            None => Ok(take(&mut result, "/result/value")),
        }
    }

    /// Evaluates an expression that returns text.
    pub(crate) fn text(&mut self, expression: &str) -> Result<String, String> {
        let value = self.evaluate(expression)?;
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| format!("{expression}: {value} is not text"))
    }

    /// Presses and releases a key.
    pub(crate) fn press(&mut self, key: &str, text: &str) -> Result<(), String> {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "text": text });
            self.call("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    /// Writes a picture of what a window of this size shows.
    pub(crate) fn screenshot(
        &mut self,
        (width, height): (u32, u32),
        scheme: &str,
        file: &Path,
    ) -> Result<(), String> {
        self.resize((width, height), scheme)?;
        let picture = self.call("Page.captureScreenshot", &json!({}))?;
        write_base64(file, &picture)
    }

    /// Sets the size of the window in pixels, and the color scheme.
    pub(crate) fn resize(
        &mut self,
        (width, height): (u32, u32),
        scheme: &str,
    ) -> Result<(), String> {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size)?;
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", &json!({ "features": [feature] }))?;
        // The table draws its rows after it has a new size.
        let frames = "new Promise((done) => {
            requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
        })";
        self.evaluate(frames).map(drop)
    }

    /// Prints the page to a PDF file.
    pub(crate) fn print(&mut self, file: &Path) -> Result<(), String> {
        let pdf = self.call("Page.printToPDF", &json!({ "printBackground": true }))?;
        write_base64(file, &pdf)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the folders with Chromium's libraries. Some libraries are in a folder of their own.
fn libraries(tree: &Tree) -> OsString {
    let folders = std::env::split_paths(&tree.library_path()).collect::<Vec<_>>();
    let own = folders.iter().map(|folder| folder.join("pulseaudio"));
    let all: Vec<PathBuf> = folders.iter().cloned().chain(own).collect();
    std::env::join_paths(all).unwrap_or_default()
}

/// Writes the data in a result to a file.
fn write_base64(file: &Path, result: &Value) -> Result<(), String> {
    let text = result.get("data").and_then(Value::as_str).ok_or("chromium returned no data")?;
    let bytes = Base64::decode_vec(text).map_err(|error| error.to_string())?;
    write(file, bytes)
}

/// Takes the value at this place.
fn take(value: &mut Value, place: &str) -> Value {
    value.pointer_mut(place).map(Value::take).unwrap_or_default()
}

/// Whether the value has this text at this place.
pub(super) fn is(value: &Value, place: &str, text: &str) -> bool {
    value.pointer(place).and_then(Value::as_str) == Some(text)
}
