import Glibc
package import MMCore
import MMSystem

/// A headless Chromium, controlled through its debugging pipe: JSON messages with a zero byte after each.
///
/// All functions block: call them within `run`.
package final class Chromium {
    /// Why the browser failed.
    package struct Failure: Error, CustomStringConvertible {
        /// In words.
        package let description: String

        /// A failure.
        package init(description: String) { self.description = description }
    }

    private let process: pid_t
    private let commands: Int32
    private let answers: Int32
    private let profile: String
    private var pending: [UInt8] = []
    private var lastID = 0
    private var session = ""

    private static let path = "/usr/bin/chromium"

    /// Whether a browser is installed.
    package static var isInstalled: Bool { access(path, X_OK) == 0 }

    /// A browser with a page, or nil after printing the reason if Chromium is installed but can't be started.
    package static func start(at url: String) -> Chromium? {
        do {
            return try Chromium(open: url)
        } catch {
            print("skipped: what a browser does with a page: chromium can't be started here: \(error)")
            return nil
        }
    }

    private init(open url: String) throws {
        Signals.ignoreBrokenPipes()
        var toBrowser: [Int32] = [0, 0]
        var fromBrowser: [Int32] = [0, 0]
        guard pipe(&toBrowser) == 0, pipe(&fromBrowser) == 0 else { throw Failure(description: "no pipe") }
        // The browser uses descriptors 3 and 4; ends with higher numbers can't collide with them.
        func moved(_ end: Int32) -> Int32 {
            defer { close(end) }
            return fcntl(end, F_DUPFD_CLOEXEC, 10)
        }
        (toBrowser, fromBrowser) = (toBrowser.map(moved), fromBrowser.map(moved))
        profile = "/tmp/mm-chromium-\(RandomBytes.text(bytes: 6))"
        let arguments = [
            Self.path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir=\(profile)", "about:blank",
        ]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toBrowser[0], 3)
        posix_spawn_file_actions_adddup2(&actions, fromBrowser[1], 4)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The starting thread blocks all signals, and a child inherits that.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, Self.path, &actions, &attributes, &words, environ)
        close(toBrowser[0])
        close(fromBrowser[1])
        process = child
        commands = toBrowser[1]
        answers = fromBrowser[0]
        guard result == 0 else { throw Failure(description: "chromium does not start: \(result)") }
        let target = try call("Target.createTarget", ["url": .string(url)])["targetId"] ?? .null
        session = try call("Target.attachToTarget", ["targetId": target, "flatten": true])["sessionId"]?.string ?? ""
        // Keys go to the focused element even if the window isn't in front.
        try call("Emulation.setFocusEmulationEnabled", ["enabled": true])
    }

    deinit {
        close(commands)
        close(answers)
        // One that did not start has no number, and 0 would mean the process group of these tests.
        guard process > 0 else { return }
        // Its own group: the browser and the helpers it started.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        removeProfile()
    }

    private func removeProfile() {
        var child: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] =
            ["/bin/rm", "-rf", profile].map { (word: String) in strdup(word) } + [nil]
        defer { for word in words { free(word) } }
        guard posix_spawn(&child, "/bin/rm", nil, nil, &words, environ) == 0 else { return }
        var status: Int32 = 0
        waitpid(child, &status, 0)
    }

    /// Calls a method of the debugging protocol and waits for its answer.
    @discardableResult
    package func call(_ method: String, _ parameters: JSONObject = [:]) throws -> JSONValue {
        lastID += 1
        var message: JSONObject = ["id": .int(Int64(lastID)), "method": .string(method), "params": .object(parameters)]
        if !session.isEmpty { message["sessionId"] = .string(session) }
        var bytes = JSONWriter.bytes(.object(message)) + [0]
        while !bytes.isEmpty {
            let sent = write(commands, bytes, bytes.count)
            guard sent > 0 else { throw Failure(description: "the browser no longer listens") }
            bytes.removeFirst(sent)
        }
        while true {
            let answer = try next()
            guard answer["id"]?.int == lastID else { continue }
            if let error = answer["error"] { throw Failure(description: "\(method): \(error)") }
            return answer["result"] ?? .null
        }
    }

    private func next() throws -> JSONValue {
        while true {
            if let end = pending.firstIndex(of: 0) {
                let message = Array(pending[..<end])
                pending.removeSubrange(...end)
                return try JSONParser.parse(message)
            }
            var wait = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, 300_000) > 0 else { throw Failure(description: "the browser says nothing") }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(answers, &buffer, buffer.count)
            guard count > 0 else { throw Failure(description: "the browser ended") }
            pending.append(contentsOf: buffer[..<count])
        }
    }

    /// The value of an expression in the page.
    package func value(_ expression: String) throws -> JSONValue {
        try call("Runtime.evaluate", ["expression": .string(expression), "returnByValue": true])["result"]?["value"]
            ?? .null
    }

    /// Waits until an expression is true in the page.
    package func wait(until expression: String) throws {
        for _ in 0..<15_000 {
            // A page that is still loading can't evaluate anything yet.
            if (try? value(expression)) == true { return }
            usleep(20_000)
        }
        throw Failure(
            description: "never became true: \(expression); the page: \(try value("document.body.innerText"))")
    }

    /// Types a text into the focused element.
    package func type(_ text: String) throws { try call("Input.insertText", ["text": .string(text)]) }

    /// Presses and releases a key.
    package func press(_ key: String, code: Int, text: String = "") throws {
        var down: JSONObject = [
            "type": .string(text.isEmpty ? "rawKeyDown" : "keyDown"), "key": .string(key), "code": .string(key),
            "windowsVirtualKeyCode": .int(Int64(code)),
        ]
        if !text.isEmpty { down["text"] = .string(text) }
        try call("Input.dispatchKeyEvent", down)
        try call(
            "Input.dispatchKeyEvent",
            ["type": "keyUp", "key": .string(key), "code": .string(key), "windowsVirtualKeyCode": .int(Int64(code))])
    }

    /// Presses Enter.
    package func pressEnter() throws { try press("Enter", code: 13, text: "\r") }

    /// Presses Tab.
    package func pressTab() throws { try press("Tab", code: 9) }

    /// Presses the down arrow.
    package func pressDown() throws { try press("ArrowDown", code: 40) }
}

extension Chromium {
    /// Runs blocking work on its own thread.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try DedicatedThread.start("test-browser", stackSize: 4 << 20) {
                    continuation.resume(with: Result { try body() })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
