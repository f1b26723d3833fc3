import Glibc
import MMCore
import TestSupport
import Testing

/// Random writes, renames and undos, during which programs are killed at random system calls, answers get lost, and
/// undos run in parallel. At the end everything is undone.
@Suite(
    "Random histories of programs that are killed", .timeLimit(.minutes(30)),
    .enabled(if: Strace.program != nil, "needs strace (apt-get install strace) and the right to trace"))
struct RandomKillTests {
    /// The number of steps per seed: few by default, MM_RANDOM_KILLS sets another.
    private static let count = getenv("MM_RANDOM_KILLS").flatMap { Int(String(cString: $0)) } ?? 16
    /// Two seeds, or those in MM_RANDOM_SEEDS.
    private static let seeds: [UInt64] =
        getenv("MM_RANDOM_SEEDS").map { String(cString: $0).split(separator: " ").compactMap { UInt64($0) } }
        ?? [51, 216]

    @Test(
        "no write is repeated or made in another account, each received one is recorded, and all can be undone",
        arguments: seeds)
    func killed(seed: UInt64) async throws {
        var history = try await KilledHistory(seed: seed)
        var steps = 0
        // Draw kills until one hits while a write is under way.
        while steps < Self.count || (history.cut == 0 && steps < 8 * Self.count) {
            try await history.step()
            steps += 1
        }
        print(
            "seed \(seed): \(steps) steps, \(history.received.count) writes received, \(history.kills) kills, "
                + "\(history.cut) of them while a write was under way, \(history.lost) answers lost")
        #expect(history.cut >= 1 && !history.received.isEmpty)
        let changes = try await history.changes()
        #expect(Set(changes.map(\.call)).isSubset(of: try history.audited().calls))
        // Each received write was recorded before it was sent, by method and path. A deletion whose answer was lost may
        // have been repeated.
        var noted = changes.map(\.request)
        for (index, request) in history.received.enumerated() {
            if request.hasPrefix("DELETE"), history.received[..<index].contains(request) { continue }
            let place = noted.firstIndex(of: request)
            #expect(place != nil, "\(request) is not in the journal")
            if let place { noted.remove(at: place) }
        }
        var left = 0
        for (connection, account) in history.accounts {
            let names = try await history.rules(of: connection)
            #expect(Set(names).count == names.count, "\(names)")
            #expect(names.allSatisfy { $0.hasPrefix("random \(account)") }, "\(account) has \(names)")
            left += names.count
        }
        #expect(left == history.straight, "\(history.received)")
        try await takeBack(history)
        await history.tenant.stop()
    }

    /// Undoes everything as a person would: newest first; then continues undos of undos that were never answered, and
    /// undoes what these restored. For a creation whose answer was lost, the undo names the objects that may have come
    /// of it, and leaves them.
    private func takeBack(_ history: KilledHistory) async throws {
        for connection in history.accounts.keys.sorted() {
            _ = try await undo(["--connection", connection, "--since", "1d"], history.tenant)
        }
        let listed = try await history.tenant.mm(["undo", "list", "--last", "10000", "--json"])
        for row in listed.json?.array ?? [] where row["state"] == "undo begun" {
            _ = try await undo([row["id"]?.string ?? ""], history.tenant)
        }
        for connection in history.accounts.keys.sorted() {
            let told = try await undo(["--connection", connection, "--since", "1d"], history.tenant)
            for name in try await history.rules(of: connection) {
                #expect(history.unanswered.contains(name), "\(name) was answered, and is left: \(told.suffix(3_000))")
            }
        }
    }

    /// Undoes changes, and confirms if asked.
    private func undo(_ words: [String], _ tenant: Tenant) async throws -> String {
        let ran = try await tenant.mm(["undo"] + words + ["--json"])
        guard ran.failure?["code"] == "confirmation_needed" else { return ran.output + ran.error }
        return try await tenant.dialog(["undo"] + words, [("Type yes", "yes\n")]).text
    }
}

/// Random steps in the mailboxes of two people, each by its own program.
private struct KilledHistory {
    /// A change in the journal.
    struct Noted {
        let id: String
        let call: String
        let request: String
    }

    let tenant: Tenant
    private var random: SeededRandom
    private var serial = 0
    /// The accounts by the current names of the connections: rules are named with a letter for each account.
    private(set) var accounts = ["Demo": "admin", "Lena": "lena.vogt"]
    private(set) var kills = 0
    /// How many kills happened while a write was under way, which the audit log shows as begun but not ended.
    private(set) var cut = 0
    private(set) var lost = 0
    /// The writes to rules that the tenant has received.
    private(set) var received: [String] = []
    /// The rules whose creation was never answered.
    private(set) var unanswered: Set<String> = []
    private var lastNumber = 0

    private static let collection = "/me/mailFolders/inbox/messageRules"
    /// At which of these calls a program is killed: only few calls on sockets precede the answer to a write.
    private static let points = [("write", 12), ("fsync", 6), ("sendto,sendmsg", 4), ("recvfrom,recvmsg", 6)]

    init(seed: UInt64) async throws {
        random = SeededRandom(seed: seed)
        tenant = try await Tenant(users: 12)
        try await tenant.signIn()
        let added = try await tenant.mm([
            "connections", "add", "Lena", "--cloud", "sandbox", "--app-id", "5a4db0c5-0000-4000-8000-00000000a001",
            "--tenant", "contoso-sandbox.example", "--tenant-id", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
            "--expected-email", "lena.vogt@contoso-sandbox.example",
        ])
        try #require(added.code == 0, "\(added)")
        try await tenant.signIn("Lena", as: "lena.vogt@contoso-sandbox.example")
        try await allow()
    }

    /// Lets deletions pass, which would otherwise need a confirmation.
    private func allow() async throws {
        for name in accounts.keys {
            let said = try await tenant.dialog(
                ["allow", name, "destructive", "write", "--minutes", "60"], [("Type yes", "yes\n")])
            try #require(said.code == 0, "\(said)")
        }
    }

    mutating func step() async throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...3: try await create()
        case 4: try await delete()
        case 5: try await rename()
        default: try await undo()
        }
        try await look()
    }

    private mutating func look() async throws {
        for request in try await tenant.control("GET", "requests")["requests"]?.array ?? [] {
            guard let number = request["number"]?.int, number > lastNumber else { continue }
            lastNumber = number
            guard let method = request["method"]?.string, let path = request["path"]?.string, method != "GET",
                path.contains("messageRules")
            else { continue }
            received.append("\(method) \(path)")
        }
    }

    /// Runs `mm`, which may be killed, or whose answer may get lost.
    private mutating func mm(_ words: [String], mayLose method: String) async throws -> Tenant.Ran {
        let chance = Int.random(in: 0..<4, using: &random)
        if chance == 0 {
            lost += 1
            try await tenant.fault(["kind": "torn", "method": .string(method), "path": "*messageRules*", "count": 1])
        }
        let (call, most) = Self.points.randomElement(using: &random) ?? ("write", 12)
        let step = Int.random(in: 1...most, using: &random)
        let ran: Tenant.Ran
        if chance == 1 || chance == 2 {
            ran = try await Tenant.run(
                try #require(Strace.program),
                [
                    "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                    "inject=\(call):signal=SIGKILL:when=\(step)", Programs.mm,
                ] + words, tenant.home.environment)
            if ran.output.isEmpty, ran.failure == nil {
                kills += 1
                if try audited().isOpen { cut += 1 }
            }
        } else {
            ran = try await tenant.mm(words)
        }
        _ = try await tenant.control("DELETE", "faults")
        return ran
    }

    private mutating func connection() -> String { accounts.keys.sorted().randomElement(using: &random) ?? "Demo" }

    private mutating func create() async throws {
        serial += 1
        let connection = connection()
        let name = "random \(accounts[connection] ?? "") \(serial)"
        let body: JSONValue = [
            "displayName": .string(name), "sequence": 1, "isEnabled": false,
            "conditions": ["subjectContains": [.string("word \(serial)")]], "actions": ["markAsRead": true],
        ]
        let ran = try await mm(
            ["graph", connection, Self.collection, "-X", "POST", "-d", JSONWriter.string(body), "--json"],
            mayLose: "POST")
        if ran.code != 0 { unanswered.insert(name) }
    }

    private mutating func delete() async throws {
        let connection = connection()
        guard let rule = try await objects(of: connection).randomElement(using: &random) else { return }
        let id = rule["id"]?.string ?? ""
        _ = try await mm(
            ["graph", connection, "\(Self.collection)/\(id)", "-X", "DELETE", "--json"], mayLose: "DELETE")
    }

    /// Two connections swap their names.
    private mutating func rename() async throws {
        for (name, other) in [("Demo", "Other"), ("Lena", "Demo"), ("Other", "Lena")] {
            let ran = try await tenant.mm(["connections", "rename", name, other])
            try #require(ran.code == 0, "\(ran)")
        }
        accounts = ["Demo": accounts["Lena"] ?? "", "Lena": accounts["Demo"] ?? ""]
        for (name, account) in accounts { try await tenant.signIn(name, as: "\(account)@contoso-sandbox.example") }
        try await allow()
    }

    /// Undoes a change in one program, or in two at once.
    private mutating func undo() async throws {
        guard let change = try await changes().randomElement(using: &random) else { return }
        let rival =
            Int.random(in: 0..<3, using: &random) == 0
            ? Task { [tenant] in try await tenant.mm(["undo", change.id, "--json"]) } : nil
        _ = try await mm(
            ["undo", change.id, "--json"], mayLose: change.request.hasPrefix("POST") ? "DELETE" : "POST")
        _ = try await rival?.value
    }

    /// The changes in the journal, the newest first.
    func changes() async throws -> [Noted] {
        let listed = try await tenant.mm(["undo", "list", "--last", "10000", "--json"])
        var changes: [Noted] = []
        for row in try #require(listed.json?.array, "\(listed)") {
            guard let id = row["id"]?.string else { continue }
            let shown = try await tenant.mm(["undo", "show", id, "--json"])
            changes.append(
                Noted(id: id, call: row["call"]?.string ?? "", request: shown.json?["request"]?.string ?? ""))
        }
        return changes
    }

    /// The calls in the audit log, and whether one of them has begun and not ended.
    func audited() throws -> (calls: Set<String>, isOpen: Bool) {
        let bytes = try ProtectedFile.read("\(tenant.home.path)/.m365-state/audit.jsonl", limit: 64 << 20) ?? []
        let lines = bytes.split(separator: 0x0A).compactMap { try? JSONParser.parse(Array($0)) }
        func calls(_ isBegun: Bool) -> Set<String> {
            Set(lines.filter { ($0["outcome"] == "begun") == isBegun }.compactMap { $0["call"]?.string })
        }
        let ended = calls(false)
        return (ended.union(calls(true)), !calls(true).isSubset(of: ended))
    }

    /// How many rules remain according to the received writes.
    var straight: Int {
        received.count { $0.hasPrefix("POST") } - Set(received.filter { $0.hasPrefix("DELETE") }).count
    }

    private func objects(of connection: String) async throws -> [JSONValue] {
        let ran = try await tenant.mm(["graph", connection, Self.collection, "--all", "--json"])
        return try #require(ran.json?.array, "\(ran)").filter {
            $0["displayName"]?.string?.hasPrefix("random") == true
        }
    }

    /// The names of an account's random rules, each as often as it occurs.
    func rules(of connection: String) async throws -> [String] {
        try await objects(of: connection).compactMap { $0["displayName"]?.string }
    }
}
