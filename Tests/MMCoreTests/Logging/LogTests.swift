import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("Logs", .timeLimit(.minutes(5)))
struct LogTests {
    let folder: TestFolder
    let clock = WallClock { Timestamp(seconds: 1_772_366_400) }

    init() throws {
        folder = try TestFolder()
    }

    private func log(level: Log.Level = .info, size: Int = 10_000_000, backups: Int = 5) -> Log {
        Log(LogSettings(path: folder["logs/pool.log"], level: level, fileSize: size, backups: backups), clock: clock)
    }

    private var lines: [String] { (folder.text("logs/pool.log") ?? "").split(separator: "\n").map(String.init) }

    @Test("a line has the format that log readers know, with a JSON line beside it")
    func form() throws {
        let log = log()
        log.scoped("Contoso-GA", "exo").info("connected as adele@contoso.com", ["milliseconds": 12])
        log.from("mm-mcp").warning("no session")
        let time = Timestamp(seconds: 1_772_366_400).localLog
        #expect(
            lines == [
                "\(time) [INFO] session_pool - [Contoso-GA/exo] connected as adele@contoso.com",
                "\(time) [WARNING] mm-mcp - no session",
            ])
        let json = (folder.text("logs/pool.jsonl") ?? "").split(separator: "\n").compactMap {
            try? JSONParser.parse(String($0))
        }
        #expect(json.count == 2)
        #expect(json[0]["time"] == "2026-03-01T12:00:00.000Z")
        #expect(json[0]["session"] == "Contoso-GA/exo")
        #expect(json[0]["level"] == "INFO")
        #expect(json[0]["milliseconds"] == 12)
        #expect(json[1]["session"] == nil)
        #expect(folder.mode("logs/pool.log") == 0o600)
        #expect(folder.mode("logs/pool.jsonl") == 0o600)
        #expect(folder.mode("logs") == 0o700)
    }

    @Test("lines below the level aren't even created")
    func levels() {
        let made = Mutex(0)
        let log = log(level: .error)
        for write in [log.debug, log.info, log.warning, log.error] {
            write(
                {
                    made.withLock { $0 += 1 }
                    return "x"
                }(), [:])
        }
        #expect(made.withLock { $0 } == 1 && lines.count == 1)
        Log.off.error("nowhere")
        #expect(
            Log.Level(word: "warn") == .warning && Log.Level(word: "Debug") == .debug && Log.Level(word: "loud") == nil)
    }

    @Test("failed sign-ins are logged at every level")
    func signIns() {
        let log = log(level: .warning)
        log.info("AADSTS50076: Due to a configuration change you must use multi-factor authentication")
        log.info("nothing special")
        log.info("AADSTS70016: the person has not finished yet")
        log.error("token request: AADSTS7000215")
        #expect(lines.count == 2)
        #expect(lines[0].contains("[WARNING] session_pool - SIGN-IN FAILED (AADSTS50076): AADSTS50076: Due to"))
        #expect(lines[1].contains("[ERROR]"))
        #expect(folder.text("logs/pool.jsonl")?.contains("\"signInError\":\"AADSTS7000215\"") == true)
    }

    @Test("nobody can forge a line or send control sequences to the reader's terminal")
    func injection() {
        log().scoped("A\n2026", "exo").info("one\r\ntwo\n\n2026-01-01 [ERROR] forged \u{1B}[31m\u{9B}0m\u{2028}x\ttab")
        #expect(lines.count == 1)
        #expect(
            lines[0].hasSuffix("[A | 2026/exo] one | two | 2026-01-01 [ERROR] forged \u{FFFD}[31m\u{FFFD}0m | x tab"))
    }

    @Test("long texts are cut")
    func long() {
        log().info(String(repeating: "é", count: 100_000))
        #expect(lines.count == 1)
        #expect(lines[0].unicodeScalars.count < 8200 && lines[0].hasSuffix("…"))
    }

    @Test("secrets are removed from text and fields")
    func redaction() {
        log().info(
            "sent Authorization: Bearer abcDEF123456", ["access_token": "abcDEF123456", "url": "x?code=0.AbcDEF123456"])
        #expect(folder.text("logs/pool.log")?.contains("DEF") == false)
        #expect(folder.text("logs/pool.jsonl")?.contains("DEF") == false)
    }

    @Test("full files are rotated, up to the configured number", arguments: [0, 1, 5])
    func rotation(backups: Int) throws {
        let log = log(size: 1000, backups: backups)
        for number in 0..<200 { log.info("line \(number)") }
        let names = try folder.names("logs").filter { $0.hasPrefix("pool.log") && !$0.hasSuffix(".lock") }
        #expect(names == ["pool.log"] + (1...5).filter { $0 <= backups }.map { "pool.log.\($0)" })
        for name in names { #expect((folder.bytes("logs/\(name)")?.count ?? 0) <= 1000) }
        #expect(lines.last?.hasSuffix("line 199") == true)
        // From the oldest file to the newest the lines are consecutive.
        let text = names.reversed().compactMap { folder.text("logs/\($0)") }
        let all = (text.last.map { _ in text } ?? []).joined().split(separator: "\n")
        let numbers = all.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(numbers == Array((200 - numbers.count)..<200))
    }

    @Test("a file that was moved away or removed is created again")
    func movedAway() throws {
        let log = log()
        log.info("first")
        #expect(rename(folder["logs/pool.log"], folder["logs/pool.log.1"]) == 0)
        log.info("second")
        #expect(unlink(folder["logs/pool.jsonl"]) == 0)
        log.info("third")
        #expect(lines.count == 2)
        #expect(folder.text("logs/pool.log.1")?.hasSuffix(" first\n") == true)
        #expect(folder.text("logs/pool.jsonl")?.split(separator: "\n").count == 1)
    }

    @Test("several writers share a file and its rotation without losing or mixing lines")
    func shared() async throws {
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                let log = log(size: 20_000, backups: 50)
                group.addTask { for number in 0..<200 { log.info("writer \(writer) line \(number)") } }
            }
        }
        var seen: Set<String> = []
        for name in try folder.names("logs") where name.hasPrefix("pool.log") && !name.hasSuffix(".lock") {
            for line in (folder.text("logs/\(name)") ?? "").split(separator: "\n") {
                let words = line.split(separator: " ")
                #expect(words.count == 9)
                seen.insert(words.suffix(4).joined(separator: " "))
            }
        }
        #expect(seen.count == 800)
    }

    @Test("a log that can't be written causes no error", arguments: ["link", "folder", "file in the way"])
    func unwritable(kind: String) throws {
        try ProtectedFile.makeDirectory(folder["logs"])
        try folder.write("victim", "precious")
        switch kind {
        case "link": #expect(symlink(folder["victim"], folder["logs/pool.log"]) == 0)
        case "folder": #expect(mkdir(folder["logs/pool.log"], 0o700) == 0)
        default:
            rmdir(folder["logs"])
            try folder.write("logs", "a file")
        }
        let log = log(size: 10)
        for _ in 0..<5 { log.error("something happened") }
        #expect(folder.text("victim") == "precious")
    }

    @Test("standard error gets JSON lines if requested, complete even if they are long")
    func standardErrorJSON() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            dup2(ends[1], STDERR_FILENO)
            var settings = LogSettings(path: nil, standardError: true)
            settings.standardErrorForm = .json
            let log = Log(settings)
            log.info("to be seen", ["count": 3])
            log.info("long", ["more": .string(String(repeating: "é", count: 9000))])
            var bytes = [UInt8](repeating: 0, count: 20_000)
            let count = read(ends[0], &bytes, bytes.count)
            let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
            #expect(lines.count == 2)
            let values = lines.map { try? JSONParser.parse(String($0)) }
            #expect(values.first??["text"] == "to be seen" && values.first??["count"] == 3)
            #expect(values.last??["text"] == "long…")
        }
    }

    @Test("standard error gets text lines, and a reader that doesn't read blocks nobody")
    func standardError() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            dup2(ends[1], STDERR_FILENO)
            let log = Log(LogSettings(path: nil, standardError: true))
            log.info("to be seen")
            var bytes = [UInt8](repeating: 0, count: 1000)
            let count = read(ends[0], &bytes, bytes.count)
            #expect(
                String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).hasSuffix(
                    "[INFO] session_pool - to be seen\n"))
            for _ in 0..<5000 { log.info(String(repeating: "x", count: 100)) }
            close(ends[0])
            signal(SIGPIPE, SIG_IGN)
            log.info("nobody is there")
        }
    }
}
