import Glibc
import MMCore
import MMPowerShell
import MMSystem

/// The stand-in's deliberate misbehaviour, requested with `Invoke-StandIn NAME …`.
enum StandInBehaviour {
    /// Runs one of the behaviours.
    static func run(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        switch call.text(0) ?? "" {
        case "flood": return flood(call, host)
        case "ignore-stop":
            host.ignoresStops = true
            return host.wait(milliseconds: call.number(1, 60_000)) ? nil : CommandEnd(.stopped)
        case "slow-stop":
            // Requests are read meanwhile, as PowerShell reads them while a pipeline stops.
            host.ignoresStops = true
            while !host.isStopping { _ = host.wait(milliseconds: 10) }
            _ = host.wait(milliseconds: call.number(1))
            return CommandEnd(.stopped)
        case "ignore-everything":
            signal(SIGTERM, SIG_IGN)
            host.ignoresStops = true
            return host.wait(milliseconds: call.number(1, 60_000)) ? nil : CommandEnd(.stopped)
        case "child": return child(call, host)
        case "die":
            host.diesAfter = (call.number(2), Int32(call.number(1)))
            host.count(0)
        case "crash":
            host.wire.flush()
            kill(getpid(), SIGKILL)
        case "lie": return lie(call, host)
        case "half-line":
            host.wire.put(StandInWire.head(host.current, .output))
            host.wire.flush()
            _exit(0)
        case "huge": huge(call.number(1), host)
        case "nested": nested(call.number(1), host)
        case "console": host.console(call.text(1) ?? "", to: call.text(2) == "stderr" ? .stderr : .stdout)
        case "console-flood": return consoleFlood(call, host)
        case "late-console": late(call)
        case "prompt":
            let way = StandInOptions.PromptWay(rawValue: call.text(1) ?? "") ?? .console
            StandInPrompt.show(way, code: call.text(2) ?? "FXK3T9QMB", host)
        case "environment":
            let names = host.environment.map { ($0.key, JSONValue.string($0.value)) }.sorted { $0.0 < $1.0 }
            host.emit(PowerShellRecord(.output, .object(JSONObject(names))))
        case "parameters":
            let values = call.parameters.map { ($0.key, $0.value.plain) }.sorted { $0.0 < $1.0 }
            host.emit(PowerShellRecord(.output, .object(JSONObject(values))))
        case "program": return program(call, host)
        case "request": return request(call, host)
        case "job": return host.jobs.start(call, host)
        case "token":
            let token = host.modules.signedIn[call.text(1) ?? ""]?.token
            host.emit(PowerShellRecord(.output, token.map { .string($0.reveal()) } ?? .null))
        case "language": host.emit(PowerShellRecord(.output, .string(host.language)))
        case "background-flood": backgroundFlood()
        case "process": host.emit(PowerShellRecord(.output, .int(Int64(getpid()))))
        default:
            host.emit(host.errorRecord("The stand-in has no such behaviour.", id: "NoBehaviour", StandInHost.Place()))
        }
        return nil
    }

    /// Runs `flood COUNT BYTES`: emits that many texts of that length, endlessly when the count is 0.
    private static func flood(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let count = call.number(1)
        var line = StandInWire.head(host.current, .output)
        JSONWriter.append(String(repeating: "x", count: max(0, call.number(2, 10))), to: &line)
        line += Array("}\n".utf8)
        let lookUpEvery = max(1, (32 << 10) / line.count)
        var done = 0
        while count == 0 || done < count {
            host.wire.put(line)
            host.count(1)
            done += 1
            if done % lookUpEvery == 0, !host.shouldContinue() { return CommandEnd(.stopped) }
        }
        return nil
    }

    /// Runs `child SECONDS`: starts a child in its own process group and keeps the command running until the child
    /// ends, regardless of stops.
    private static func child(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        var pid: pid_t = 0
        let words = ["/bin/sh", "-c", "sleep \(call.number(1, 60)); exit 0"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        defer { posix_spawnattr_destroy(&attributes) }
        guard posix_spawn(&pid, "/bin/sh", nil, &attributes, &arguments, environ) == 0 else { return nil }
        host.emit(PowerShellRecord(.output, .int(Int64(pid))))
        host.ignoresStops = true
        while true {
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid { break }
            _ = host.wait(milliseconds: 10)
        }
        return host.isStopping ? CommandEnd(.stopped) : nil
    }

    /// Runs `lie KIND`: sends frames that violate the protocol.
    private static func lie(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let id = host.current
        switch call.text(1) ?? "" {
        case "other-id":
            // Records of a nonexistent command, of an earlier one, and of future ones.
            for other in [0, id - 1, id + 1, id + 1000] {
                host.wire.put(other, PowerShellRecord(.output, "of another command"))
            }
        case "other-end":
            host.wire.put(["t": "end", "id": .int(Int64(id + 1)), "state": "Completed"])
            host.wire.put(["t": "end", "id": .int(Int64(id - 1)), "state": "Completed"])
        case "two-ends":
            host.wire.put(["t": "end", "id": .int(Int64(id)), "state": "Completed", "location": "/first"])
            host.wire.put(id, PowerShellRecord(.output, "after the end"))
        case "other-answers": host.answersForOthers = true
        case "garbage": host.wire.put("this is no frame\n".utf8)
        case "unknown-kind": host.wire.put(["t": "gossip", "id": .int(Int64(id))])
        case "greeting":
            host.wire.put(["t": "hello", "protocol": 1, "nonce": "x", "pid": 1, "version": "7.6.5"])
        case "busy": host.wire.put(["t": "end", "id": .int(Int64(id)), "state": "Busy"])
        default: host.wire.put("{\"t\":\"out\",\"id\":\(id),\"v\":\"\u{1}\"}\n".utf8)
        }
        return nil
    }

    /// Runs `request MODULE METHOD ADDRESS [BODY]`: sends a request like a module's cmdlet, and emits the answer.
    private static func request(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let tenant = host.tenant else { return StandInRefusal("There is no tenant.", id: "NoTenant").end }
        let token = host.modules.signedIn[call.text(1) ?? ""]?.token
        let (method, path, body) = (call.text(2) ?? "GET", call.text(3) ?? "/", call.text(4))
        let outcome = host.result(every: 5) {
            await Result { () async throws(MMError) in
                try await tenant.send(method, path, body: body, token: token)
            }
        }
        switch outcome {
        case .success(let answer):
            host.emit(
                PowerShellRecord(
                    .output, ["Status": .int(Int64(answer.status)), "Body": .string(String(answer.text.prefix(4096)))]))
            return nil
        case .failure(let error) where error.code == .cancelled: return CommandEnd(.stopped)
        case .failure(let error): return StandInRefusal(error.message, id: "NoAnswer").end
        }
    }

    /// Runs `program TEXT`: runs a text in a shell, as scripts run programs, and emits its output and status.
    private static func program(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let command = ChildCommand(
            "/bin/sh", ["-c", call.text(1) ?? ""],
            environment: host.environment.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own })
        let outcome = host.result(every: 5) {
            await Result { () async throws(MMError) in
                try await ChildProcess.run(command, limit: 64 << 10, timeout: .seconds(600))
            }
        }
        switch outcome {
        case .success(let ran):
            host.emit(
                PowerShellRecord(
                    .output,
                    [
                        "Output": .string(String(decoding: ran.output, as: UTF8.self)),
                        "Error": .string(String(decoding: ran.error, as: UTF8.self)),
                        "Code": .int(Int64(ran.exit.code)),
                    ]))
            return nil
        case .failure(let error) where error.code == .cancelled: return CommandEnd(.stopped)
        case .failure(let error): return StandInRefusal(error.message, id: "NoProgram").end
        }
    }

    private static func huge(_ bytes: Int, _ host: StandInHost) {
        host.wire.put(StandInWire.head(host.current, .output))
        host.wire.put(CollectionOfOne(UInt8(ascii: "\"")))
        var left = bytes
        while left > 0 {
            host.wire.put(repeatElement(UInt8(ascii: "x"), count: min(left, 64 << 10)))
            left -= 64 << 10
        }
        host.wire.put("\"}\n".utf8)
    }

    /// Writes a value of lists within lists.
    private static func nested(_ depth: Int, _ host: StandInHost) {
        host.wire.put(StandInWire.head(host.current, .output))
        host.wire.put(repeatElement(UInt8(ascii: "["), count: depth))
        host.wire.put(repeatElement(UInt8(ascii: "]"), count: depth))
        host.wire.put("}\n".utf8)
    }

    private static func consoleFlood(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let text = String(repeating: "e", count: 4095) + "\n"
        let rounds = call.number(1)
        var done = 0
        while rounds == 0 || done < rounds {
            host.console(text, to: .stderr)
            done += 1
            if done % 16 == 0, !host.shouldContinue() { return CommandEnd(.stopped) }
        }
        return nil
    }

    /// Writes to standard error forever, whether commands run or not.
    private static func backgroundFlood() {
        _ = try? DedicatedThread.start("flood") {
            let bytes = [UInt8](repeating: UInt8(ascii: "e"), count: 4096)
            while bytes.withUnsafeBytes({ write(2, $0.baseAddress, $0.count) }) > 0 {}
        }
    }

    /// Runs `late-console TEXT MS`: writes a text after the command has ended.
    private static func late(_ call: StandInCall) {
        let text = call.text(1) ?? "late"
        let wait = call.number(2, 100)
        Task {
            try? await Task.sleep(for: .milliseconds(wait))
            let bytes = Array((text + "\n").utf8)
            _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
        }
    }
}

/// The ways in which modules show a device code.
enum StandInPrompt {
    private static let sentence =
        "To sign in, use a web browser to open the page PAGE and enter the code CODE to authenticate."
    private static let browser =
        "\n\nOpen a browser, navigate to PAGE and authenticate using code CODE to proceed.\n\n"

    /// Shows a device code.
    static func show(
        _ way: StandInOptions.PromptWay, code: String, page: String = "https://microsoft.com/devicelogin",
        _ host: StandInHost
    ) {
        func filled(_ text: String) -> String { text.replacing("PAGE", with: page).replacing("CODE", with: code) }
        switch way {
        case .console: host.console(filled(sentence) + "\n")
        case .error: host.console(filled(sentence) + "\n", to: .stderr)
        case .information:
            let text = "\u{1B}[1m\u{1B}[44m[Login to Azure]\u{1B}[0m " + filled(sentence)
            host.emit(PowerShellRecord(.information, ["message": .string(text), "tags": ["PSHOST"]]))
        case .warning: host.emit(PowerShellRecord(.warning, .string(filled(browser))))
        case .output: host.emit(PowerShellRecord(.output, .string(filled(sentence))))
        case .native:
            // The output of a native program arrives as one record per line.
            let words = filled(sentence).split(separator: " ")
            for line in [words.prefix(9), words.dropFirst(9).prefix(4), words.dropFirst(13)] {
                host.emit(PowerShellRecord(.output, .string(line.joined(separator: " "))))
            }
        }
        host.wire.flush()
    }
}
