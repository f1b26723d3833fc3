import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMShell

/// A session of each kind whose commands wait for the reader of their output.
enum FlowPlace: String, CaseIterable, Sendable {
    case bash, dash, zsh, ash, host

    static var here: [FlowPlace] {
        allCases.filter { place in
            switch place {
            case .host: TestSSHD.missing == nil
            default: Shells.installed.contains { $0.rawValue == place.rawValue }
            }
        }
    }

    func with(_ body: (any ShellSession) async throws -> Void) async throws {
        if let kind = ShellKind(rawValue: rawValue) { return try await Shells.with(kind) { try await body($0) } }
        try await SSHSessionTests.with { (session, _, _) async throws in try await body(session) }
    }
}

@Suite("Streaming output and input", .timeLimit(.minutes(10)))
struct OutputFlowTests {
    private static func flowing(_ text: String, input: ShellCommand.Input = .none) -> ShellCommand {
        var limits = ShellCommand.Limits(head: 0, tail: 100)
        limits.window = 64 << 10
        return ShellCommand(text, input: input, limits: limits)
    }

    private static func all(_ job: ShellJob) async -> [ShellCommand.Stream: [UInt8]] {
        var taken: [ShellCommand.Stream: [UInt8]] = [:]
        while let pieces = await job.take() {
            for piece in pieces { taken[piece.stream, default: []] += piece.bytes }
        }
        return taken
    }

    @Test("waits for its reader, and nothing is lost", arguments: FlowPlace.here)
    func whole(_ place: FlowPlace) async throws {
        try await place.with { (session) async throws in
            let job = try await session.start(
                Self.flowing("seq 1 300000; echo late >&2; (exit 7)"), deadline: .never, observer: nil)
            #expect(await eventually { job.isHolding })
            #expect(job.page(.stdout, from: 0, limit: 0).total < 1_300_000, "it waits at its first megabyte")
            let taken = await Self.all(job)
            let wanted = (1...300_000).map { "\($0)\n" }.joined()
            #expect(taken[.stdout] == Array(wanted.utf8))
            #expect(taken[.stderr] == Array("late\n".utf8))
            #expect(await job.waitForEnd().exitCode == 7)
            #expect(try await session.sh("echo after").out == "after\n")
        }
    }

    @Test("ends if it is cancelled while nobody reads, and the session stays", arguments: FlowPlace.here)
    func stopped(_ place: FlowPlace) async throws {
        try await place.with { (session) async throws in
            _ = try await session.sh("kept=1")
            let job = try await session.start(Self.flowing("yes"), deadline: .never, observer: nil)
            #expect(await eventually { job.isHolding })
            job.cancel()
            let end = try #require(await job.wait(until: .after(.seconds(300))))
            #expect(end.cause == .cancelled)
            #expect(!end.restartsSession)
            #expect(try await session.sh("echo $kept").out == "1\n")
        }
    }

    @Test("a reader that has left blocks nothing", arguments: FlowPlace.here)
    func forsaken(_ place: FlowPlace) async throws {
        try await place.with { (session) async throws in
            let job = try await session.start(Self.flowing("seq 1 300000"), deadline: .never, observer: nil)
            #expect(await eventually { job.isHolding })
            job.stopReading()
            #expect(await job.wait(until: .after(.seconds(300)))?.exitCode == 0)
        }
    }

    @Test("a command gets the complete input and its end", arguments: FlowPlace.here)
    func input(_ place: FlowPlace) async throws {
        try await place.with { (session) async throws in
            let job = try await session.start(
                Self.flowing("cat; echo end; kept=1", input: .pipe), deadline: .never, observer: nil)
            let given = (0..<20).map { [UInt8](repeating: UInt8($0), count: 20_001) } + [Array(0...255)]
            let feeding = Task {
                for piece in given { try await job.feed(piece) }
                try await job.feed(nil)
            }
            let taken = await Self.all(job)
            #expect(taken[.stdout] == given.flatMap(\.self) + Array("end\n".utf8))
            #expect(await job.waitForEnd().exitCode == 0)
            _ = try await feeding.value
            #expect(try await session.sh("echo $kept").out == "1\n", "it ran in the session")
        }
    }

    @Test("a command runs before anything of its input is there", arguments: FlowPlace.here)
    func awaited(_ place: FlowPlace) async throws {
        try await place.with { (session) async throws in
            let job = try await session.start(
                Self.flowing("echo there", input: .pipe), deadline: .after(.seconds(100)), observer: nil)
            #expect(await Self.all(job)[.stdout] == Array("there\n".utf8))
            #expect(await job.waitForEnd().cause == .finished)
        }
    }

    @Test("a command that doesn't read its input ends anyway", arguments: FlowPlace.here)
    func unread(_ place: FlowPlace) async throws {
        try await place.with { (session) async throws in
            for text in ["echo there", "head -c 2 >/dev/null; echo there", "read -r x; echo there"] {
                let job = try await session.start(
                    Self.flowing(text, input: .pipe), deadline: .after(.seconds(300)), observer: nil)
                let feeding = Task { while true { try await job.feed([UInt8](repeating: 0x0A, count: 100_000)) } }
                #expect(await Self.all(job)[.stdout] == Array("there\n".utf8), "\(text)")
                #expect(await job.waitForEnd().cause == .finished)
                // Nobody reads it any more.
                await #expect(throws: MMError.self) { try await feeding.value }
            }
            let empty = try await session.start(Self.flowing("wc -c", input: .pipe), deadline: .never, observer: nil)
            try await empty.feed(nil)
            #expect(String(decoding: await Self.all(empty)[.stdout] ?? [], as: UTF8.self).contains("0"))
        }
    }

    @Test("a secret of this process is removed, however it is divided")
    func veiled() async throws {
        let secret = "veil-" + Hex.text(RandomBytes.make(10))
        HeldSecrets.shared.hold(Secret(secret))
        try await Shells.with { (shell) async throws in
            let (front, back) = (secret.prefix(9), secret.dropFirst(9))
            let answer = try await shell.sh(
                "echo \(secret); printf %s \(front); sleep 0.2; echo \(back); printf \(front)")
            #expect(!answer.out.contains(secret))
            #expect(answer.out.hasSuffix("\n\(front)"), "what is no secret after all is there")
            #expect(answer.out.split(separator: "\n").count == 3)
        }
    }
}
