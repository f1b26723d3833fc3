import Glibc
import MMCore
import MMOperations
import MMShell
import MMSystem
import Testing

@Suite("Shell operations", .timeLimit(.minutes(10)))
struct ShellOperationTests {
    private let home = JobHome()
    private let service: LocalOperationService

    init() throws {
        Signals.ignoreBrokenPipes()
        service = LocalOperationService(services: home.services)
        mkdir(home.path, 0o700)
        mkdir(home.path + "/work", 0o755)
        try configure([:])
    }

    private func configure(_ members: JSONObject) throws {
        // What these tests are about is the same with and without walls, which not every kernel has.
        var file: JSONObject = ["directory": .string(home.path + "/work"), "sandbox": "guard"]
        for (key, value) in members { file[key] = value }
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(.object(file)))
    }

    private func call(_ name: String, _ arguments: JSONObject, of session: String = "a") async throws -> JSONValue {
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: "mm"), timeLimit: .seconds(120), sessionID: session)
        let answer = try await service.call(name, arguments, in: context)
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        return value
    }

    private func run(_ command: String, _ more: JSONObject = [:], of session: String = "a") async throws -> JSONValue {
        var arguments: JSONObject = ["command": .string(command)]
        for (key, value) in more { arguments[key] = value }
        return try await call("shell_run", arguments, of: session)
    }

    private func fails(_ code: MMErrorCode, _ work: () async throws -> JSONValue) async throws -> MMError {
        do {
            let value = try await work()
            Issue.record("it answered \(value)")
            throw MMError(.internalError, "no error")
        } catch let error as MMError {
            #expect(error.code == code, "\(error)")
            return error
        }
    }

    @Test("ask before a command that is typed into a shell, also in pieces, and before a file that was uploaded is run")
    func typed() async throws {
        let job = try await run("bash --norc", ["input": "terminal", "yield": 1])["job"]?.string ?? ""
        _ = try await call("shell_write", ["job": .string(job), "text": "echo harmless"])
        _ = try await fails(.confirmationNeeded) {
            try await call("shell_write", ["job": .string(job), "text": "rm -rf sub"])
        }
        _ = try await call("shell_write", ["job": .string(job), "text": "rm -", "no_enter": true])
        _ = try await call("shell_keys", ["job": .string(job), "keys": ["r", "f", "space", "s"]])
        _ = try await fails(.confirmationNeeded) {
            try await call("shell_keys", ["job": .string(job), "keys": ["enter"]])
        }
        _ = try await call("shell_jobs", ["cancel": .string(job)])
        _ = try await call("shell_upload", ["path": "clean.sh", "content": "rm -rf sub\n"])
        _ = try await fails(.confirmationNeeded) { try await run("sh ./clean.sh") }
        _ = try await fails(.confirmationNeeded) { try await run("bash < clean.sh", of: "a") }
    }

    @Test("keep directory, variables and functions from call to call")
    func state() async throws {
        _ = try await run("mkdir sub && cd sub; X=5; f() { echo \"f $X\"; }")
        let answer = try await run("f; echo err >&2; (exit 3)")
        #expect(answer["stdout"] == "f 5\n")
        #expect(answer["stderr"] == "err\n")
        #expect(answer["exit_code"] == 3)
        #expect(answer["status"] == "exited")
        #expect(answer["cwd"]?.string == home.path + "/work/sub")
        #expect(try await call("shell_cwd", [:])["cwd"]?.string == home.path + "/work/sub")
        await home.services.close()
    }

    @Test("never reach the session, the commands or the files of another client")
    func owners() async throws {
        _ = try await run("X=mine; cd /tmp")
        let other = try await run("echo \"[$X]\"; pwd", of: "b")
        #expect(other["stdout"]?.string == "[]\n\(home.path)/work\n")
        let long = try await run("echo mine; read -r x", ["input": "terminal", "yield": 0])
        let handle = try #require(long["job"]?.string)
        for name in ["shell_read", "shell_wait"] {
            _ = try await fails(.notFound) { try await call(name, ["job": .string(handle)], of: "b") }
        }
        _ = try await fails(.notFound) { try await call("shell_jobs", ["cancel": .string(handle)], of: "b") }
        #expect(try await call("shell_jobs", [:], of: "b").array?.count == 1)
        let listed = try await call("shell_sessions", [:], of: "b").array ?? []
        #expect(listed.count == 1)
        _ = try await call("shell_close", ["all": true], of: "b")
        #expect(try await call("shell_sessions", [:]).array?.count == 1)
        await home.services.close()
    }

    @Test("stand among all sessions, for their own client alone")
    func listed() async throws {
        _ = try await run("true")
        let started = try await run("read -r x", ["input": "terminal", "yield": 0])
        let rows = try await call("sessions", [:])["sessions"]?.array ?? []
        #expect(rows.compactMap { $0["session"]?.string } == ["shell/default"])
        #expect(rows.first?["state"] == "busy")
        #expect(rows.first?["commands"] == 2)
        #expect(rows.first?["engine"] == "bash")
        #expect(try await call("sessions", [:], of: "b")["sessions"]?.array?.isEmpty == true)
        _ = try await call("shell_jobs", ["cancel": started["job"] ?? .null])
        await home.services.close()
    }

    @Test("answer with a handle when a command takes long, which reads, waits, types and cancels")
    func handles() async throws {
        let started = try await run(
            "echo one; read -r x; echo \"got $x\"; sleep 1000", ["input": "terminal", "wait_for": "one"])
        let handle = try #require(started["job"])
        #expect(started["stdout"] == "one\n")
        #expect(["running", "awaiting_input"].contains(started["status"]?.string ?? ""))
        let busy = try await fails(.conflict) { try await run("echo", ["yield": 0]) }
        #expect(busy.details["job"] == handle)
        _ = try await call("shell_write", ["job": handle, "text": "it"])
        let seen = try await call("shell_wait", ["job": handle, "for": "got it"])
        #expect(seen["stdout"] == "one\ngot it\n")
        let page = try await call("shell_read", ["job": handle, "offset": 4])
        #expect(page["text"] == "got it\n")
        #expect(page["next"] == 11)
        let ended = try await call("shell_jobs", ["cancel": handle])
        #expect(ended["status"] == "cancelled")
        #expect(try await run("echo again")["stdout"] == "again\n")
        await home.services.close()
    }

    @Test("say that a command has ended, or has no terminal, and ask nobody about what is typed into it")
    func typedTooLate() async throws {
        let handle = try #require(try await run("bash --norc", ["input": "terminal", "yield": 0])["job"])
        _ = try await call("shell_jobs", ["cancel": handle])
        let ended = try await fails(.conflict) { try await call("shell_write", ["job": handle, "text": "rm -rf sub"]) }
        #expect(ended.message.contains("has ended"))
        let other = try #require(try await run("sleep 1000", ["yield": 0])["job"])
        _ = try await fails(.invalidInput) { try await call("shell_write", ["job": other, "text": "rm -rf sub"]) }
        _ = try await call("shell_jobs", ["cancel": other])
        await home.services.close()
    }

    @Test("type into the command that runs in a session, without its handle")
    func typedBySession() async throws {
        let none = try await fails(.invalidInput) { try await call("shell_write", ["session": "s", "text": "x"]) }
        #expect(none.message == "No command is running in the session “s”." && none.hint?.contains("job") == true)
        let started = try await run(
            "read -r x; echo \"got $x\"; cat", ["session": "s", "input": "terminal", "yield": 0])
        _ = try await call("shell_write", ["session": "s", "text": "it"])
        let handle = try #require(started["job"])
        #expect(try await call("shell_wait", ["job": handle, "for": "got it"])["stdout"] == "got it\n")
        _ = try await call("shell_keys", ["session": "s", "keys": ["ctrl-d"]])
        #expect(try await call("shell_wait", ["job": handle])["exit_code"] == 0)
        await home.services.close()
    }

    @Test("answer within the command's own time when another one runs in the session")
    func busy() async throws {
        let started = try await run("sleep 1000", ["yield": 0])
        // Whoever would wait for a handle that long would not be back within the suite's time limit.
        let error = try await fails(.conflict) { try await run("echo", ["timeout": 1, "yield": 3600]) }
        #expect(error.details["job"] == started["job"])
        _ = try await call("shell_jobs", ["cancel": started["job"] ?? .null])
        await home.services.close()
    }

    @Test("press keys and show the screen of a full-screen program")
    func screens() async throws {
        let started = try await run(
            "printf 'press: '; stty -icanon; k=$(dd bs=1 count=1 2>/dev/null); printf 'you pressed %s\\n' \"$k\"",
            ["input": "screen", "wait_for": "press"])
        let handle = try #require(started["job"])
        let shown = try await call("shell_read", ["stream": "display"])
        #expect(shown["job"] == handle && shown["screen"]?.string?.contains("press:") == true, "\(shown)")
        let pressed = try await call("shell_keys", ["job": handle, "keys": ["q"]])
        _ = try await call("shell_wait", ["job": handle])
        let screen = try await call("shell_read", ["job": handle, "stream": "display"])
        #expect(screen["screen"]?.string?.contains("you pressed q") == true, "\(pressed) \(screen)")
        _ = try await fails(.invalidInput) { try await call("shell_read", ["stream": "display"]) }
        await home.services.close()
    }

    @Test("cancel what passes its own time, and say so")
    func timeLimit() async throws {
        // A machine that does not come to the first word in time is given more of it.
        for limit in [1, 10, 60] as [Int64] {
            let answer = try await run("echo a; sleep 1000", ["timeout": .int(limit)])
            #expect(answer["status"] == "timeout")
            #expect(answer["timeout"] == .int(limit))
            if limit < 60, answer["stdout"] == "" { continue }
            #expect(answer["stdout"] == "a\n")
            break
        }
        #expect(try await run("echo alive")["stdout"] == "alive\n")
        await home.services.close()
    }

    @Test("tell of a shell that ended, and go on in a new one")
    func restart() async throws {
        _ = try await run("cd /tmp; export KEPT=yes; LOST=yes")
        let ended = try await run("exit 4")
        #expect(ended["status"] == "shell_ended")
        #expect(ended["exit_code"] == 4)
        let next = try await run("pwd; echo \"$KEPT [$LOST]\"")
        #expect(next["session_restarted"] == true)
        #expect(next["stdout"] == "/tmp\nyes []\n")
        await home.services.close()
    }

    @Test("survive a shell that is killed while a command runs")
    func killed() async throws {
        let answer = try await run("kill -9 $$; sleep 1000")
        #expect(answer["status"] == "shell_ended")
        #expect(answer["signal"] == 9)
        #expect(try await run("echo alive")["stdout"] == "alive\n")
        await home.services.close()
    }

    @Test("give back bytes that are no text in base64")
    func binary() async throws {
        let answer = try await run("printf '\\377\\000'")
        #expect(answer["stdout"] == "/wA=")
        #expect(answer["encoding"]?["stdout"] == "base64")
        await home.services.close()
    }

    @Test("leave an output with one odd byte readable")
    func oddByte() async throws {
        let answer = try await run("printf 'caf\\351 au lait'")
        #expect(answer["stdout"] == "caf\\xe9 au lait")
        #expect(answer["encoding"]?["stdout"] == "escaped")
        await home.services.close()
    }

    @Test("refuse a quote or substitution that isn't closed, with its place, and ask nobody about it")
    func unfinishedQuote() async throws {
        let refused = try await fails(.invalidInput) { try await run("echo one\necho 'unterminated") }
        #expect(refused.message.contains("line 2, column 6"), "\(refused)")
        let open = try await fails(.invalidInput) { try await run("echo $(date") }
        #expect(open.message.contains("an unclosed parenthesis in line 1"), "\(open)")
        #expect(try await run("echo 'terminated'")["stdout"] == "terminated\n")
        await home.services.close()
    }

    @Test("cut long output to its ends, with the rest by handle")
    func long() async throws {
        let answer = try await run("seq 1 50000")
        let text = try #require(answer["stdout"]?.string)
        #expect(text.hasPrefix("1\n2\n") && text.hasSuffix("49999\n50000\n"))
        #expect(text.utf8.count < 21_000)
        let handle = try #require(answer["job"])
        let page = try await call("shell_read", ["job": handle, "offset": 100_000, "limit": 12])
        #expect(page["text"]?.string?.utf8.count == 12)
        await home.services.close()
    }

    @Test("move files whole, and none of the program's own")
    func files() async throws {
        let sent = try await call(
            "shell_upload", ["path": "d/x.bin", "content": "/wA=", "encoding": "base64", "make_dirs": true])
        #expect(sent["size"] == 2)
        let back = try await call("shell_download", ["path": "d/x.bin"])
        #expect(back["content"] == "/wA=")
        #expect(back["encoding"] == "base64")
        _ = try await call("shell_write", ["path": "note.txt", "text": "line\n"])
        let textless = try await fails(.invalidInput) { try await call("shell_write", ["path": "note.txt"]) }
        #expect(textless.message == "The text to write to note.txt is missing.")
        #expect(try await call("shell_read", ["path": "note.txt"])["content"] == "line\n")
        _ = try await call("shell_write", ["path": "note.txt", "text": ""])
        #expect(try await call("shell_read", ["path": "note.txt"])["content"] == "")
        _ = try await fails(.denied) {
            try await call("shell_download", ["path": .string(home.path + "/state/audit.jsonl")])
        }
        symlink(home.path + "/state/audit.jsonl", home.path + "/work/link")
        _ = try await fails(.denied) { try await call("shell_download", ["path": "link"]) }
        await home.services.close()
    }

    @Test(
        "run Python with its variables kept, its errors told, and its loops cancelled",
        .enabled(if: ExecutableSearch.find("python3", path: "/usr/bin:/bin") != nil, "python3 is not installed"))
    func python() async throws {
        let session: JSONObject = ["session": "py", "shell": "python"]
        _ = try await run("x = 41\nprint('out')", session)
        let value = try await run("import sys; print('err', file=sys.stderr)\nx + 1", session)
        #expect(value["stdout"] == "42\n")
        #expect(value["stderr"] == "err\n")
        let failed = try await run("1 / 0", session)
        #expect(failed["exit_code"] == 1)
        #expect(failed["stderr"]?.string?.contains("ZeroDivisionError") == true)
        #expect(failed["stderr"]?.string?.contains("<string>") == false)
        let big = try await run("len('" + String(repeating: "a", count: 20_000) + "')", session)
        #expect(big["stdout"] == "20000\n")
        let ended = try await run("exit(3)", session)
        #expect(ended["exit_code"] == 3)
        let fresh = try await run("'x' in dir()", session)
        #expect(fresh["stdout"] == "False\n")
        #expect(fresh["session_restarted"] == true)
        let looped = try await run("while True: pass", ["session": "py", "timeout": 1])
        #expect(looped["status"] == "timeout")
        await home.services.close()
    }

    @Test(
        "a loop of Python's is cancelled, and its variables stay",
        .enabled(if: ExecutableSearch.find("python3", path: "/usr/bin:/bin") != nil, "python3 is not installed"))
    func pythonLoop() async throws {
        var settings = ShellSettings(
            name: "py", kind: .bash, environment: ["PATH": "/usr/bin:/bin", "HOME": home.path], directory: home.path)
        // A busy machine may take its time to hear the interrupt; only then the interpreter would go.
        (settings.times.start, settings.times.interrupt) = (.seconds(300), .seconds(120))
        let shell = try await PythonShell.start(settings)
        _ = try await shell.run(ShellCommand("x = 41"), deadline: .after(.seconds(300)))
        let job = try await shell.start(
            ShellCommand("print('begun', flush=True)\nwhile True: pass"), deadline: .never, observer: nil)
        #expect(await job.wait(for: "begun", in: .stdout, until: .after(.seconds(300))) != nil)
        job.cancel()
        #expect(await job.wait(until: .after(.seconds(300)))?.cause == .cancelled)
        let kept = try await shell.run(ShellCommand("x"), deadline: .after(.seconds(300)))
        #expect(kept.stdout.text == "41\n")
        await shell.close()
    }

    @Test("ask a person before what can't be undone, and deny what touches the program's own files")
    func guarded() async throws {
        let asked = try await fails(.confirmationNeeded) { try await run("rm -rf .") }
        #expect(asked.details["rule"] == "shell-removes")
        _ = try await fails(.denied) { try await run("cat \(home.path)/tokens/x.json") }
        #expect(try await call("shell_sessions", [:]).array?.isEmpty == true)
        try configure(["guard": "readonly"])
        _ = try await fails(.denied) { try await run("touch x") }
        #expect(try await run("echo ok")["stdout"] == "ok\n")
        await home.services.close()
    }

    @Test(
        "a question is about one folder and one session: the same command elsewhere, or for somebody else, is another")
    func place() async throws {
        func token(of session: String, in folder: String) async throws -> String? {
            _ = try await run("mkdir -p \(folder) && cd \(folder)", of: session)
            let asked = try await fails(.confirmationNeeded) { try await run("rm -rf src", of: session) }
            #expect(asked.message.contains(folder), "\(asked)")
            // A person reads it, so it says only what holds.
            #expect(!["null", "false"].contains { asked.message.contains($0) }, "\(asked)")
            return asked.details["token"]?.string
        }
        let (first, second) = (home.path + "/work/one", home.path + "/work/two")
        let asked = try await token(of: "a", in: first)
        #expect(try await token(of: "a", in: first) == asked)
        #expect(try await token(of: "a", in: second) != asked)
        #expect(try await token(of: "b", in: first) != asked)
        await home.services.close()
    }

    @Test("keep to a security file, in its words")
    func policy() async throws {
        let file = home.path + "/security.yaml"
        let text = "security:\n  enabled: true\n  allowed_executables: [echo, cd]\n  audit_log: true\n"
        try ProtectedFile.replace(file, with: Array(text.utf8))
        try configure(["securityFile": .string(file)])
        #expect(try await run("echo yes")["stdout"] == "yes\n")
        let refused = try await fails(.denied) { try await run("ls") }
        #expect(refused.message.hasPrefix("Security validation failed"))
        let audit = try #require(try ProtectedFile.read(home.path + "/state/audit.jsonl"))
        let lines = String(decoding: audit, as: UTF8.self)
        #expect(lines.contains("\"command\":\"ls\"") && lines.contains("refused"))
        await home.services.close()
    }

    @Test("name the key of a security file that doesn't exist")
    func missingPolicy() async throws {
        try configure(["securityFile": "/nowhere/security.yaml"])
        let refused = try await fails(.invalidInput) { try await run("ls") }
        #expect(refused.message.contains("`securityFile` in "), "\(refused)")
        #expect(refused.message.contains("/nowhere/security.yaml"), "\(refused)")
        await home.services.close()
    }

    @Test(
        "start no shell when the configuration can't be understood",
        arguments: ["{", "{\"x\": 1}", "{\"sandbox\": \"none\"}"])
    func wrongConfiguration(text: String) async throws {
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: Array(text.utf8))
        _ = try await fails(.invalidInput) { try await run("echo") }
        #expect(await home.services.shells.count == 0)
        await home.services.close()
    }

    @Test("run admitted programs alone under argv")
    func argv() async throws {
        try configure(["sandbox": "argv", "programs": ["echo": ["path": "/bin/echo", "arguments": ["operand"]]]])
        #expect(try await run("echo 'a b' c")["stdout"] == "a b c\n")
        for command in ["ls", "echo $HOME", "echo a; ls", "echo -n", "echo a > x"] {
            _ = try await fails(.denied) { try await run(command) }
        }
        await home.services.close()
    }

    @Test("never call a confinement stronger than it is, and refuse a workspace with mm's own files")
    func confinement() async throws {
        let first = try await run("echo")
        #expect(first["sandbox"] == "guard")
        #expect(first["sandbox_note"]?.string?.contains("no security boundary") == true)
        try configure(["sandbox": "workspace", "directory": .string(home.path)])
        _ = try await fails(.invalidInput) { try await run("echo", ["session": "two"]) }
        await home.services.close()
    }

    @Test("move files of this machine up to the configured size")
    func configuredSize() async throws {
        let large = (64 << 20) + 1
        let source = home.path + "/large"
        let descriptor = try FileDescriptor.open(source, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        #expect(ftruncate(descriptor.raw, off_t(large)) == 0)
        let person = CallContext(
            caller: Caller(surface: .terminal, name: "test", server: "mm"), timeLimit: .seconds(600), sessionID: "a")
        let upload: JSONObject = ["from": .string(source), "path": "copy"]
        _ = try await fails(.limitExceeded) {
            _ = try await service.call("shell_upload", upload, in: person)
            return .null
        }
        try configure(["maxFileBytes": .int(Int64(large))])
        _ = try await service.call("shell_upload", upload, in: person)
        _ = try await service.call("shell_download", ["path": "copy", "to": .string(home.path + "/back")], in: person)
        var info = stat()
        #expect(stat(home.path + "/back", &info) == 0 && Int(info.st_size) == large)
        await home.services.close()
    }

    @Test("never let a model choose where files of this machine come from")
    func modelsFiles() async throws {
        _ = try await fails(.invalidInput) { try await call("shell_upload", ["from": "/etc/hostname", "path": "x"]) }
        _ = try await fails(.invalidInput) { try await call("shell_download", ["path": "x", "to": "/tmp/x"]) }
        await home.services.close()
    }

    @Test("give what background jobs wrote between commands, until it has arrived")
    func background() async throws {
        _ = try await run("(until [ -e go ]; do sleep 0.05; done; echo late; touch done) &")
        try ProtectedFile.replace(home.path + "/work/go", with: [])
        var text = ""
        let limit = Deadline.after(.seconds(300))
        while text.isEmpty, !limit.hasPassed {
            text = try await call("shell_read", [:])["text"]?.string ?? ""
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(text == "late\n")
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: "mm"), timeLimit: .seconds(120), sessionID: "a")
        let answer = try await service.call("shell_read", [:], in: context)
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        #expect(value["text"] == "late\n")
        try await answer.delivered()
        #expect(try await call("shell_read", [:])["text"] == "")
    }

    @Test("wait until a line matches a pattern")
    func patterns() async throws {
        let begun = try await run("echo 'port 80'; echo 'port 8080 open'; sleep 300", ["yield": 0])
        let job = begun["job"] ?? ""
        let answer = try await call("shell_wait", ["job": job, "matching": "^port \\d{4} (a|a)*", "yield": 100])
        #expect(answer["status"] == "running")
        #expect(answer["stdout"]?.string?.contains("8080") == true)
        let error = try await fails(.invalidInput) {
            try await call("shell_wait", ["job": job, "matching": "(a", "yield": 0])
        }
        #expect(error.message.contains("(a"))
        _ = try await call("shell_jobs", ["cancel": job])
    }

    @Test("give a screen the size that is asked for")
    func sizes() async throws {
        let answer = try await run(
            "stty size; sleep 300", ["input": "screen", "rows": 50, "columns": 132, "wait_for": "50 132"])
        let shown = try await call("shell_read", ["job": answer["job"] ?? "", "stream": "display"])
        #expect(shown["screen"]?.string?.hasPrefix("50 132") == true)
        _ = try await call("shell_jobs", ["cancel": answer["job"] ?? ""])
    }
}
