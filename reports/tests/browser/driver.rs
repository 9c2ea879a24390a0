//! A browser by WebDriver (W3C): the few commands that are needed, each JSON over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// What W3C calls an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How often is looked whether something has happened, every 50 ms.
const LOOKS: u32 = 600;

/// A browser of its own, which ends with this value.
pub(crate) struct Browser {
    agent: ureq::Agent,
    session: String,
    driver: Child,
    /// Where pages are, and the browser's profile.
    folder: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// `None`, said aloud, where there is none.
    pub(crate) fn start(width: u32, height: u32) -> Option<Browser> {
        let found = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut driver) = found else {
            eprintln!(
                "SKIPPED: chromedriver cannot be started; on Debian, apt-get install chromium-driver"
            );
            return None;
        };
        let port = port(&mut driver);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .into();
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let mut browser = Browser {
            agent,
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            folder,
        };
        let wanted = browser.capabilities(width, height);
        let session = browser.post("", &wanted);
        let id = session["sessionId"].as_str().expect("a session has a name");
        browser.session = format!("{}/{id}", browser.session);
        browser.leave_the_first_page();
        Some(browser)
    }

    /// A new window comes with a page of the browser's own, which asks for much.
    fn leave_the_first_page(&self) {
        self.post("/url", &json!({"url": "about:blank"}));
        self.requests();
        self.console();
    }

    fn capabilities(&self, width: u32, height: u32) -> Value {
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).to_vec();
        let profile = self.folder.path().join("profile");
        arguments.push(format!("--user-data-dir={}", profile.display()));
        arguments.push(format!("--window-size={width},{height}"));
        json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}})
    }

    /// Writes a page to a file, and says where.
    pub(crate) fn store(&self, name: &str, page: &str) -> PathBuf {
        let path = self.folder.path().join(name).with_extension("html");
        std::fs::write(&path, page).expect("there is room for a page");
        path
    }

    pub(crate) fn open(&self, address: &str) {
        self.post("/url", &json!({"url": "about:blank"}));
        self.post("/url", &json!({"url": address}));
    }

    /// The answer of a script.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until a script answers with something true.
    pub(crate) fn wait(&self, script: &str) -> Value {
        for _ in 0..LOOKS {
            let answer = self.run(script);
            if !matches!(&answer, Value::Null | Value::Bool(false)) {
                return answer;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("never true: {script}");
    }

    /// Types into the element that a selector finds.
    pub(crate) fn keys(&self, selector: &str, text: &str) {
        let found = self.post(
            "/element",
            &json!({"using": "css selector", "value": selector}),
        );
        let element = found[ELEMENT].as_str().expect("the element is there");
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Moves the pointer to a pixel of the window, and presses it there if asked to.
    pub(crate) fn point(&self, x: f64, y: f64, press: bool) {
        let (x, y) = (x.round() as i64, y.round() as i64);
        let mut actions = vec![json!({"type": "pointerMove", "duration": 0, "x": x, "y": y})];
        if press {
            actions.push(json!({"type": "pointerDown", "button": 0}));
            actions.push(json!({"type": "pointerUp", "button": 0}));
        }
        let pointer = json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
        self.post("/actions", &json!({"actions": [pointer]}));
    }

    /// What readers prefer: `dark` or `light`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let command =
            json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        self.post("/goog/cdp/execute", &command);
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({"width": width, "height": height}));
    }

    /// The window as PNG.
    pub(crate) fn picture(&self) -> Vec<u8> {
        let shot = json!({"cmd": "Page.captureScreenshot", "params": {"format": "png"}});
        let answer = self.post("/goog/cdp/execute", &shot);
        decoded(&answer["data"])
    }

    /// The page as PDF.
    pub(crate) fn print(&self) -> Vec<u8> {
        decoded(&self.post("/print", &json!({})))
    }

    /// What the console has said since this was last called.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.log("browser");
        entries
            .iter()
            .map(|entry| entry["message"].to_string())
            .collect()
    }

    /// The addresses that were asked for since this was last called.
    pub(crate) fn requests(&self) -> Vec<String> {
        let entries = self.log("performance");
        let requests = entries.iter().filter_map(|entry| {
            let text = entry["message"].as_str()?;
            let message: Value = serde_json::from_str(text).ok()?;
            let event = &message["message"];
            let asks = event["method"] == "Network.requestWillBeSent";
            let address = event["params"]["request"]["url"].as_str()?;
            asks.then(|| address.to_owned())
        });
        requests.collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.post("/se/log", &json!({"type": kind}));
        entries.as_array().expect("a log is a list").clone()
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        let address = format!("{}{command}", self.session);
        let mut answer = self
            .agent
            .post(&address)
            .send_json(body)
            .expect("the driver answers");
        let answer: Value = answer.body_mut().read_json().expect("an answer is JSON");
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{command} {body}: {value}");
        value
    }
}

fn decoded(answer: &Value) -> Vec<u8> {
    let text = answer.as_str().expect("it is a text");
    STANDARD.decode(text).expect("it is Base64")
}

/// The port the driver says it listens on.
fn port(driver: &mut Child) -> u16 {
    let output = driver.stdout.take().expect("it is piped");
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut ports = lines.filter_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    ports.next().expect("the driver says its port")
}
