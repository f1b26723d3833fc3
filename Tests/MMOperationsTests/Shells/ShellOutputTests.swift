import Glibc
import MMCore
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("What commands of shells write", .timeLimit(.minutes(10)))
struct ShellOutputTests {
    private let home = JobHome()
    private let service: LocalOperationService
    private let long = (1...200_000).map { "\($0)\n" }.joined()

    init() throws {
        Signals.ignoreBrokenPipes()
        service = LocalOperationService(services: home.services)
        mkdir(home.path, 0o700)
        try ProtectedFile.replace(
            home.path + "/.m365-shells.json", with: JSONWriter.bytes(["sandbox": "guard"]))
    }

    private func call(_ name: String, _ arguments: JSONObject, as surface: Caller.Surface = .mcp) async throws
        -> OperationAnswer
    {
        let context = CallContext(
            caller: Caller(surface: surface, name: "test", server: surface == .mcp ? "mm" : nil),
            timeLimit: .seconds(600), sessionID: surface == .terminal ? nil : "a")
        return try await service.call(name, arguments, in: context)
    }

    private func value(_ answer: OperationAnswer) throws -> JSONValue {
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        return value
    }

    private func gathered(_ answer: OperationAnswer) async throws -> (out: [UInt8], err: [UInt8], end: AnswerEnd) {
        guard case .output(let stream) = answer.body else { throw MMError(.internalError, "nothing flows") }
        var (out, err): ([UInt8], [UInt8]) = ([], [])
        while let rows = try await stream.next() {
            for row in rows {
                let piece = try CommandPiece(row: row)
                if piece.isError { err += piece.bytes } else { out += piece.bytes }
            }
        }
        return (out, err, stream.end())
    }

    @Test(
        "is a row that is hardly longer, whatever bytes it holds",
        arguments: [
            [UInt8](repeating: 0, count: 3_000), [UInt8](repeating: 0xFF, count: 3_000),
            Array(String(repeating: "a\u{0}", count: 1_500).utf8), Array(String(repeating: "ü", count: 1_500).utf8),
        ])
    func rowLengths(bytes: [UInt8]) throws {
        let row = CommandPiece(bytes, isError: false).row
        #expect(row.count <= bytes.count / 3 * 4 + 64)
        #expect(try CommandPiece(row: row).bytes == bytes)
    }

    @Test(
        "stays text with colours, and with the ends of names that a program writes for another",
        arguments: [
            "\u{1B}[31mred as a rose\u{1B}[0m is red\n", "src/first.swift\u{0}src/second.swift\u{0}", "a\tb\r\n", "",
        ])
    func rowTexts(text: String) throws {
        let row = try JSONParser.parse(CommandPiece(Array(text.utf8), isError: false).row)
        #expect(row == ["stdout": .string(text)])
    }

    @Test("flows to a terminal whole, with its errors apart and its exit status behind it")
    func flows() async throws {
        let answer = try await call(
            "shell_run", ["command": "seq 1 200000; echo e1 >&2; exit 9"], as: .terminal)
        let (out, err, end) = try await gathered(answer)
        #expect(out == Array(long.utf8))
        #expect(err == Array("e1\n".utf8), "without the word with which the shell takes its leave")
        #expect(end.exitStatus == 9)
        #expect(
            try await gathered(
                try await call("shell_run", ["command": "exit_7() { return 7; }; exit_7"], as: .terminal)
            ).end.exitStatus == 7)
        // It has to write before its time is over: on a slow machine repeat with more.
        for limit in [1, 20, 120] {
            let command: JSONObject = ["command": "echo a; sleep 1000", "timeout": .int(Int64(limit))]
            let late = try await gathered(try await call("shell_run", command, as: .terminal))
            if late.out.isEmpty, limit < 120 { continue }
            #expect(late.out == Array("a\n".utf8))
            #expect(late.end.exitStatus == 124)
            #expect(late.end.notes.contains { $0.contains("cancelled after \(limit) s") })
            break
        }
        await home.services.close()
    }

    @Test("a terminal that goes away ends its command")
    func abandoned() async throws {
        var answer: OperationAnswer? = try await call("shell_run", ["command": "echo $$; sleep 3177"], as: .terminal)
        #expect(answer != nil)
        answer = nil
        #expect(
            await eventually {
                let jobs = try? value(try await call("shell_jobs", [:], as: .terminal)).array
                return jobs?.first?["status"] == "cancelled"
            })
        await home.services.close()
    }

    @Test("standard input comes to the command")
    func input() async throws {
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: .seconds(600))
        context.input = Given([Array("one\n".utf8), Array("two\n".utf8)])
        let answer = try await service.call("shell_run", ["command": "cat; echo three"], in: context)
        #expect(try await gathered(answer).out == Array("one\ntwo\nthree\n".utf8))
        await home.services.close()
    }

    @Test("a command whose input can't be read to its end is stopped, and told as failed", arguments: [false, true])
    func tornInput(flows: Bool) async throws {
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: .seconds(600))
        context.input = Given([Array("one\n".utf8)], thenFails: true)
        var arguments: JSONObject = ["command": .string("cat; touch \(home.path)/after")]
        if !flows { arguments["output"] = "json" }
        let error = await #expect(throws: MMError.self) {
            _ = try await gathered(try await service.call("shell_run", arguments, in: context))
        }
        #expect(error?.message == "torn" && error?.hint?.contains("part of its input") == true)
        #expect(access(home.path + "/after", F_OK) != 0)
        await home.services.close()
    }

    @Test("input that can't be read is no fault of a command that has ended without it")
    func unneededInput() async throws {
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: .seconds(600))
        context.input = Given([Array("one\n".utf8)], thenFails: false, thenWaits: true)
        let answer = try await service.call("shell_run", ["command": "head -n 1"], in: context)
        #expect(try await gathered(answer).out == Array("one\n".utf8))
        await home.services.close()
    }

    @Test(
        "a command that goes on without its caller gets the end of input that had not begun, which is told",
        arguments: [true, false])
    func unbegunInput(waits: Bool) async throws {
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: .seconds(600))
        context.input = Given([], thenFails: false, thenWaits: waits)
        let command = "cat; touch \(home.path)/ended; sleep 3179"
        let answer = try await service.call("shell_run", ["command": .string(command), "yield": 1], in: context)
        #expect(answer.notes.contains("Its input was ended, because none had come so far.") == waits)
        let rows = try await service.call("jobs", [:], in: context)
        let job = try #require(try value(rows)["jobs"]?.array?.first?["job"])
        while access(home.path + "/ended", F_OK) != 0 { try await Task.sleep(for: .milliseconds(10)) }
        _ = try await service.call("output", ["handle": job, "action": "cancel"], in: context)
        await home.services.close()
    }

    @Test("input that has begun is passed on to its end before the caller of a command leaves")
    func begunInput() async throws {
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: .seconds(600))
        let input = Slow([Array("one\n".utf8), Array("two\n".utf8)])
        context.input = input
        let answer = try await service.call(
            "shell_run", ["command": .string("cat > \(home.path)/whole; sleep 3180"), "yield": 1], in: context)
        #expect(input.isAtEnd && !answer.notes.contains { $0.contains("input was ended") })
        while try String(decoding: ProtectedFile.read(home.path + "/whole") ?? [], as: UTF8.self) != "one\ntwo\n" {
            try await Task.sleep(for: .milliseconds(10))
        }
        let rows = try await service.call("jobs", [:], in: context)
        let job = try #require(try value(rows)["jobs"]?.array?.first?["job"])
        _ = try await service.call("output", ["handle": job, "action": "cancel"], in: context)
        await home.services.close()
    }

    @Test("is whole behind the handle that a model gets", arguments: [Caller.Surface.mcp, .rest])
    func stored(_ surface: Caller.Surface) async throws {
        let command = "seq 1 200000; seq 1 200000 >&2"
        let answer = try value(try await call("shell_run", ["command": .string(command), "yield": 600], as: surface))
        let cut = try #require(answer["truncated"])
        #expect(answer["stdout"]?.string?.hasPrefix("1\n2\n") == true)
        #expect(answer["stdout"]?.string?.hasSuffix("200000\n") == true)
        for stream in ["stdout", "stderr"] {
            #expect(cut[stream]?["total"] == .int(Int64(long.utf8.count)))
            let handle = try #require(cut[stream]?["output"]?.string)
            let stored = try home.services.outputs.find(handle)
            #expect(stored.total == 200_000)
            #expect(try home.services.outputs.read(stored) == Array(long.utf8))
            let page = try await call(
                "output", ["handle": .string(handle), "offset": 123_456, "limit": 2], as: surface)
            guard case .text(let text) = page.body else { throw MMError(.internalError, "no text") }
            #expect(text == "123457\n123458\n")
        }
        // By the command's own handle, too, at any place.
        let job = try #require(answer["job"])
        let middle = try value(
            try await call(
                "shell_read", ["job": job, "offset": 600_000, "limit": 100, "stream": "stderr"], as: surface))
        #expect(middle["offset"] == 600_000)
        let bytes = Array(long.utf8)
        #expect(middle["text"]?.string == String(decoding: bytes[600_000..<600_100], as: UTF8.self))
        await home.services.close()
    }

    @Test("is read at any place while the command still runs")
    func running() async throws {
        let answer = try value(
            try await call("shell_run", ["command": "seq 1 200000; echo done >&2; sleep 3178", "wait_for": "done"]))
        let job = try #require(answer["job"])
        let middle = try value(try await call("shell_read", ["job": job, "offset": 600_000, "limit": 100]))
        #expect(middle["offset"] == 600_000)
        let bytes = Array(long.utf8)
        #expect(middle["text"]?.string == String(decoding: bytes[600_000..<600_100], as: UTF8.self))
        _ = try await call("shell_jobs", ["cancel": job])
        await home.services.close()
    }

    @Test("loses no character that a page tears")
    func torn() async throws {
        let word = String(repeating: "aü€🦀", count: 5_000)
        let answer = try value(
            try await call(
                "shell_run",
                [
                    "command": .string(
                        "for i in $(seq 5000); do printf 'a\\303\\274\\342\\202\\254\\360\\237\\246\\200'; done")
                ]))
        let job = try #require(answer["job"])
        var (text, next): (String, Int64) = ("", 0)
        while next < word.utf8.count {
            let page = try value(try await call("shell_read", ["job": job, "offset": .int(next), "limit": 1001]))
            #expect(page["encoding"] == nil)
            text += page["text"]?.string ?? ""
            let after = page["next"]?.int.map { Int64($0) } ?? 0
            #expect(after > next)
            guard after > next else { break }
            next = after
        }
        #expect(text == word)
        await home.services.close()
    }
}

/// Input that is there already, and its end.
private final class Given: CallInput {
    private let left: Mutex<[[UInt8]]>
    private let fails: Bool
    private let waits: Bool

    init(_ pieces: [[UInt8]], thenFails fails: Bool = false, thenWaits waits: Bool = false) {
        left = Mutex(pieces)
        self.fails = fails
        self.waits = waits
    }

    func next() async throws(MMError) -> [UInt8]? {
        if let piece = left.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return piece }
        if fails { throw MMError(.invalidInput, "torn") }
        guard waits else { return nil }
        do { try await Task.sleep(for: .seconds(3600)) } catch {}
        throw MMError(.cancelled, "The command has ended.")
    }
}

/// Input whose pieces come two seconds apart.
private final class Slow: CallInput {
    private let left: Mutex<[[UInt8]]>
    private let atEnd = Mutex(false)
    var isAtEnd: Bool { atEnd.withLock { $0 } }

    init(_ pieces: [[UInt8]]) { left = Mutex(pieces) }

    func next() async throws(MMError) -> [UInt8]? {
        let piece = left.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let piece else {
            atEnd.withLock { $0 = true }
            return nil
        }
        if piece != Array("one\n".utf8) { try? await Task.sleep(for: .seconds(2)) }
        return piece
    }
}
