import Glibc
import TestSupport
import Testing

@testable import MMCore

@Suite("The audit chain", .timeLimit(.minutes(5)))
struct AuditLogTests {
    let folder: TestFolder
    let audit: AuditLog

    init() throws {
        folder = try TestFolder()
        audit = AuditLog(path: folder["state/audit.jsonl"], clock: WallClock { Timestamp(seconds: 1_772_366_400) })
    }

    private func add(_ count: Int, from: Int = 1) throws {
        func append(_ entry: JSONObject) throws(MMError) { try audit.append(entry) }
        for number in from..<(from + count) {
            try append(["operation": "graph_request", "connection": "C", "number": .int(Int64(number))])
        }
    }

    private var lines: [[UInt8]] {
        (folder.bytes("state/audit.jsonl") ?? []).split(separator: 0x0A).map(Array.init)
    }

    private func write(_ lines: [[UInt8]], end: [UInt8] = [0x0A]) throws {
        try folder.write("state/audit.jsonl", Array(lines.joined(separator: [0x0A])) + end)
    }

    @Test("an empty log is valid")
    func empty() throws {
        #expect(try audit.verify() == AuditVerification())
        #expect(try audit.entries().isEmpty)
    }

    @Test("lines have number, time, link and digest, and anyone can check them")
    func form() throws {
        try add(3)
        let found = try audit.verify()
        #expect(found.isSound && found.entries == 3 && found.tornLines == 0)
        let entries = try audit.entries()
        #expect(entries.map { $0["seq"] } == [1, 2, 3])
        #expect(entries[0]["prev"]?.string == String(repeating: "0", count: 64))
        #expect(entries[1]["prev"] == entries[0]["hash"])
        #expect(entries[0]["time"] == "2026-03-01T12:00:00.000Z")
        #expect(entries[2]["operation"] == "graph_request")
        // The digest is that of the bytes before it, so a shell can compute it too.
        let text = String(decoding: lines[2], as: UTF8.self)
        let body = text.split(separator: ",\"hash\":\"", maxSplits: 1)[0]
        #expect(entries[2]["hash"]?.string == Hex.text(SHA256.digest(body.utf8)))
        #expect(folder.mode("state/audit.jsonl") == 0o600)
        #expect(folder.mode("state/audit.jsonl.head") == 0o600)
    }

    @Test("an entry can't contain members of the chain, nor secrets")
    func reserved() throws {
        func append(_ entry: JSONObject) throws(MMError) { try audit.append(entry) }
        try append([
            "seq": 99, "prev": "x", "hash": "y", "afterTorn": true, "time": "z", "password": "hunter2",
            "a": "line\nbreak",
        ])
        let entry = try #require(try audit.entries().first)
        #expect(entry["seq"] == 1 && entry["afterTorn"] == nil && entry["password"] == .string(Redactor.mark))
        #expect(lines.count == 1)
        #expect(try audit.verify().isSound)
    }

    @Test("any change of any line is found at that line")
    func tampering() throws {
        try add(5)
        let whole = lines
        for (index, line) in whole.enumerated() {
            var generator = SeededRandom(seed: UInt64(index))
            for _ in 0..<60 {
                var changed = whole
                let place = Int.random(in: 0..<line.count, using: &generator)
                let byte = UInt8.random(in: 0x20...0x7E, using: &generator)
                if changed[index][place] == byte { continue }
                changed[index][place] = byte
                try write(changed)
                #expect(try audit.verify().broken?.line == index + 1)
            }
        }
    }

    @Test("removed, swapped, doubled and added lines are found", arguments: 0..<5)
    func reordering(index: Int) throws {
        try add(5)
        let whole = lines
        var removed = whole
        removed.remove(at: index)
        try write(removed)
        #expect(try !audit.verify().isSound)
        var doubled = whole
        doubled.insert(whole[index], at: index)
        try write(doubled)
        #expect(try audit.verify().broken?.line == index + 2)
        var added = whole
        added.insert(Array("{\"operation\":\"forged\"}".utf8), at: index)
        try write(added)
        #expect(try audit.verify().broken?.line == index + 1)
        if index < 4 {
            var swapped = whole
            swapped.swapAt(index, index + 1)
            try write(swapped)
            #expect(try audit.verify().broken?.line == index + 1)
        }
    }

    /// A forged line: the fields, and the matching hash.
    private func resealed(_ entry: JSONObject) -> [UInt8] {
        let front = JSONWriter.bytes(.object(entry)).dropLast()
        return front + Array(",\"hash\":\"\(Hex.text(SHA256.digest(front)))\"}".utf8)
    }

    @Test("a line with a recomputed hash doesn't fit the next line")
    func resealed() throws {
        try add(3)
        var changed = lines
        var entry = try #require(try JSONParser.parse(changed[1]).object)
        entry["hash"] = nil
        entry["connection"] = "Other"
        changed[1] = resealed(entry)
        try write(changed)
        #expect(try audit.verify().broken?.line == 3)
        // The last line has no next one: the head shows the change.
        changed = lines
        try add(1, from: 4)
        var last = try #require(try JSONParser.parse(lines[3]).object)
        last["hash"] = nil
        last["connection"] = "Other"
        try write(lines.dropLast() + [resealed(last)])
        #expect(try !audit.verify().isSound)
    }

    @Test("lines cut off at the end are missed, also after more was written", arguments: 1...4)
    func truncated(count: Int) throws {
        try add(4)
        try write(Array(lines.dropLast(count)), end: count == 4 ? [] : [0x0A])
        #expect(try audit.verify().broken?.line == 5 - count)
        try add(2, from: 5)
        #expect(try audit.verify().broken?.line == 5 - count)
    }

    @Test("a changed last line is still found after more was written")
    func launderedLast() throws {
        try add(3)
        var changed = lines
        changed[2][20] ^= 1
        try write(changed)
        #expect(try audit.verify().broken?.line == 3)
        try add(2, from: 4)
        #expect(try audit.verify().broken?.line == 3)
    }

    @Test("a line torn by a crash is counted as torn, not as a forgery, wherever it was cut")
    func torn() throws {
        try add(2)
        let whole = folder.bytes("state/audit.jsonl") ?? []
        let head = folder.bytes("state/audit.jsonl.head") ?? []
        try add(1, from: 3)
        let third = Array((folder.bytes("state/audit.jsonl") ?? []).dropFirst(whole.count))
        for cut in [1, 2, 50, third.count - 2, third.count - 1] {
            try folder.write("state/audit.jsonl", whole + third.prefix(cut))
            try folder.write("state/audit.jsonl.head", head)
            var found = try audit.verify()
            #expect(found.isSound)
            // A line that lacks only its newline is complete.
            #expect(found.entries == (cut == third.count - 1 ? 3 : 2))
            try add(2, from: 10)
            found = try audit.verify()
            #expect(found.isSound, "cut at \(cut): \(String(describing: found.broken))")
            #expect(found.tornLines == (cut == third.count - 1 ? 0 : 1))
            #expect(found.entries == (cut == third.count - 1 ? 5 : 4))
        }
    }

    @Test("two crashes in a row are two torn lines")
    func tornTwice() throws {
        try add(1)
        let whole = folder.bytes("state/audit.jsonl") ?? []
        try folder.write("state/audit.jsonl", whole + Array("{\"seq\":2,\"ti\n{\"seq\":2".utf8))
        try add(1, from: 2)
        let found = try audit.verify()
        #expect(found.isSound && found.tornLines == 2 && found.entries == 2)
    }

    @Test("a missing head is reported, and recorded in the log with the next lines")
    func headGone() throws {
        try add(4)
        unlink(folder["state/audit.jsonl.head"])
        // Without a head nobody could notice that the last lines were removed.
        try write(Array(lines.prefix(3)))
        #expect(try audit.verify().broken?.reason.contains("the .head file is missing") == true)
        let another = AuditLog(path: audit.path)
        try { () throws(MMError) in try another.append(["operation": "after"]) }()
        let found = try another.verify()
        #expect(found.isSound && found.entries == 4 && found.lostHeads == [4], "\(found)")
    }

    @Test("a head behind its log is what a crash between their writes leaves")
    func headBehind() throws {
        try add(2)
        let head = folder.bytes("state/audit.jsonl.head") ?? []
        try add(1, from: 3)
        try folder.write("state/audit.jsonl.head", head)
        #expect(try audit.verify().isSound)
        try add(1, from: 4)
        #expect(
            try audit.verify()
                == AuditVerification(entries: 4, tornLines: 0, broken: nil, lastHash: audit.verify().lastHash))
    }

    @Test("writers in several tasks make one chain")
    func concurrent() async throws {
        let audit = audit
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask { for _ in 0..<10 { try await audit.append(["writer": .int(Int64(writer))]) } }
            }
            try await group.waitForAll()
        }
        let found = try audit.verify()
        #expect(found.isSound && found.entries == 80)
    }

    @Test("writers wait for another process that holds the file, and fail if it doesn't release it")
    func heldElsewhere() async throws {
        let audit = audit
        try ProtectedFile.makeDirectory(folder["state"])
        // A lock of another open file excludes us like one of another process.
        let lock = try FileLock.tryAcquire(audit.path)
        let writer = Task { try await audit.append(["waited": true]) }
        let impatient = Task { try await audit.append(["gone": true]) }
        impatient.cancel()
        let failure = await impatient.result
        #expect(throws: MMError.self) { try failure.get() }
        #expect(try audit.verify().entries == 0)
        _ = consume lock
        try await writer.value
        #expect(try audit.entries().map { $0["waited"] } == [true])
    }

    @Test("lines that another process adds between ours are continued")
    func shared() throws {
        let other = AuditLog(path: audit.path)
        func append(_ log: AuditLog) throws(MMError) { try log.append(["by": "somebody"]) }
        for log in [audit, audit, other, audit, other, other, audit] { try append(log) }
        let found = try audit.verify()
        #expect(found.isSound && found.entries == 7)
    }

    @Test("a file that is moved away isn't written to any more, and its end is still known")
    func movedAway() throws {
        try add(2)
        for name in ["state/audit.jsonl", "state/audit.jsonl.lock"] {
            #expect(rename(folder[name], folder[name + ".old"]) == 0)
        }
        try add(2, from: 3)
        #expect(folder.text("state/audit.jsonl.old")?.split(separator: "\n").count == 2)
        #expect(try audit.entries().map { $0["seq"] } == [3, 4])
        // The first two lines are missing, which is reported.
        #expect(try audit.verify().isSound == false)
    }

    @Test("long lines and long files are read completely")
    func long() throws {
        func append(_ entry: JSONObject) throws(MMError) { try audit.append(entry) }
        try append(["text": .string(String(repeating: "a", count: 300_000))])
        try append(["text": .string(String(repeating: "b", count: 70_000))])
        try append(["text": "c"])
        #expect(try audit.verify().entries == 3)
    }

    @Test("the newest entries that fit are shown, oldest first")
    func filters() throws {
        try add(30)
        #expect(try audit.entries(limit: 3).map { $0["number"] } == [28, 29, 30])
        #expect(try audit.entries(limit: 2) { ($0["number"]?.int ?? 0) % 10 == 0 }.map { $0["number"] } == [20, 30])
        #expect(try audit.entries(limit: 0).isEmpty)
        #expect(try audit.entries(limit: .max).count == 30 && audit.newest(.max).count == 30)
    }

    @Test("the chain survives processes that are killed at any moment")
    func killed() async throws {
        let path = folder["killed.jsonl"]
        for _ in 0..<5 {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let audit = AuditLog(path: path)
                func append(_ entry: JSONObject) throws(MMError) { try audit.append(entry) }
                // Each process writes at least one line; where the next ones die is random.
                try append(["number": -1])
                let killer = Task.detached {
                    usleep(UInt32(1000 + UInt64(getpid()) % 7 * 1500))
                    kill(getpid(), SIGKILL)
                }
                for number in 0..<100_000 {
                    try append(["number": .int(Int64(number)), "x": .string(String(repeating: "x", count: 500))])
                }
                await killer.value
            }
        }
        let found = try AuditLog(path: path).verify()
        #expect(found.isSound)
        #expect(found.entries >= 5)
    }
}
