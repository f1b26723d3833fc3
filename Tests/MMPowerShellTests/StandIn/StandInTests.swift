import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMPowerShell

@Suite("The stand-in", .timeLimit(.minutes(15)))
struct StandInTests {
    /// Knows one script, and takes its time for another.
    private struct Evaluator: PipelineEvaluating {
        func evaluate(
            _ command: PowerShellCommand, emit: @escaping @Sendable (PowerShellRecord) -> Void
        ) async -> CommandEnd? {
            switch command.script {
            case "Get-Answer":
                emit(PowerShellRecord(.output, 42))
                emit(PowerShellRecord(.warning, "careful"))
                return CommandEnd(.completed)
            case "Get-Nothing-Ever":
                emit(PowerShellRecord(.output, "begun"))
                try? await Task.sleep(for: .seconds(600))
                return CommandEnd(Task.isCancelled ? .stopped : .completed)
            default: return nil
            }
        }
    }

    /// Speaks with a stand-in that runs in this process.
    private func frames(_ requests: [String], until count: Int) async throws -> [HostFrame] {
        let folder = try StandIn.folder()
        let (listener, file) = try UnixSocket.listen(at: folder + "/wire").take()
        defer {
            close(listener)
            file.remove()
        }
        let script = folder + "/bootstrap.ps1"
        try ProtectedFile.replace(script, with: BootstrapScript.bytes)
        let serving = Task {
            await PowerShellStandIn.run(
                arguments: ["-NoLogo", "-NoProfile", "-NonInteractive", "-File", script],
                environment: ["MM_WIRE": folder + "/wire", "MM_NONCE": "n", "HOME": folder], evaluator: Evaluator())
        }
        let read = try await BlockingWork.run { () throws(MMError) -> [HostFrame] in
            let socket = try UnixSocket.accept(listener)
            var decoder = WireDecoder()
            var frames: [HostFrame] = []
            var waiting = requests[...]
            var room = [UInt8](repeating: 0, count: 4096)
            while frames.count < count {
                let got = recv(socket.raw, &room, room.count, 0)
                guard got > 0 else { break }
                decoder.append(room[..<got])
                while let frame = try? decoder.next() {
                    frames.append(frame)
                    if let next = waiting.popFirst() {
                        let line = Array((next + "\n").utf8)
                        _ = line.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, 0) }
                    }
                }
            }
            let bye = Array("{\"t\":\"bye\"}\n".utf8)
            _ = bye.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, 0) }
            return frames
        }
        #expect(await serving.value == 0)
        return read
    }

    @Test("what its evaluator can do, it does")
    func evaluates() async throws {
        let read = try await frames([#"{"t":"run","id":1,"script":"Get-Answer"}"#], until: 4)
        #expect(
            read.dropFirst().prefix(2) == [
                .record(id: 1, PowerShellRecord(.output, 42)), .record(id: 1, PowerShellRecord(.warning, "careful")),
            ])
        guard case .end(1, let end)? = read.last else {
            Issue.record("no end: \(read)")
            return
        }
        #expect(end.state == .completed)
    }

    @Test("a stop reaches its evaluator")
    func stops() async throws {
        let read = try await frames(
            [#"{"t":"run","id":1,"script":"Get-Nothing-Ever"}"#, #"{"t":"stop","id":1}"#], until: 3)
        guard case .end(1, let end)? = read.last else {
            Issue.record("no end: \(read)")
            return
        }
        #expect(end.state == .stopped)
    }

    @Test("what is beyond both says that it needs a real PowerShell")
    func beyond() async throws {
        let read = try await frames([#"{"t":"run","id":1,"script":"[math]::Sqrt(2) * $x.y"}"#], until: 3)
        guard case .record(1, let record) = read[1] else {
            Issue.record("no record: \(read)")
            return
        }
        #expect(record.stream == .error && record.message?.contains("real PowerShell") == true)
    }

    @Test("it says its version like pwsh, with its own name in it")
    func version() async throws {
        let outcome = try await ChildProcess.run(
            ChildCommand(try StandIn.program(), ["--version"], environment: [:]), timeout: .seconds(300))
        let text = String(decoding: outcome.output, as: UTF8.self)
        #expect(text == "PowerShell 7.6.5-stand-in\n")
        #expect(try #require(PowerShellVersion(parsing: text)) >= .least)
    }

    @Test(
        "words it doesn't know, and a script that isn't there, are usage errors",
        arguments: [
            ["--nonsense"], ["-File"], ["-File", "/nowhere.ps1"], ["--start", "somehow", "-File", "/etc/hostname"], [],
        ])
    func usage(arguments: [String]) async throws {
        let outcome = try await ChildProcess.run(
            ChildCommand(try StandIn.program(), arguments, environment: [:]), timeout: .seconds(300))
        #expect(outcome.exit.code == 64)
        #expect(!outcome.error.isEmpty)
    }
}
