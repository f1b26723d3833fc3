import MMCore
import MMDesk
import MMGraph
import MMGuard
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

/// A sandbox tenant in which plans are made and applied.
struct PlanHome {
    let tenant: ChangesHome

    init(users: Int = 40, isSignedIn: Bool = true) async throws {
        tenant = try await ChangesHome(users: users, isSignedIn: isSignedIn)
    }

    /// The ids of users who are neither the signed-in one nor guests.
    func users(_ count: Int) async throws -> [String] {
        let users = try await tenant.list("/users?$select=id,userPrincipalName")
        return users.dropFirst(8).filter { $0["userPrincipalName"]?.string?.contains("#") == false }.prefix(count)
            .compactMap { $0["id"]?.string }
    }

    static func request(_ method: String, _ path: String, _ body: JSONValue? = nil) -> JSONValue {
        var arguments: JSONObject = [
            "connection": "Demo", "endpoint": .string(path), "method": .string(method), "unlisted": true,
        ]
        arguments["body"] = body
        return ["tool": "graph_request", "arguments": .object(arguments)]
    }

    static func run(_ script: String, module: String = "exo") -> JSONValue {
        ["tool": "run", "arguments": ["connection": "Demo", "module": .string(module), "command": .string(script)]]
    }

    /// Makes a plan of calls.
    func plan(_ calls: [JSONValue]) async throws -> JSONValue {
        ChangesHome.value(try await tenant.call("plan", ["calls": .array(calls)]))
    }

    /// Applies a plan as somebody who can't be asked.
    func apply(_ plan: JSONValue, skips: Bool = false) async throws(MMError) -> OperationAnswer {
        try await tenant.service.call(
            "apply", ["plan": plan["plan"] ?? .null, "skip": .bool(skips)], in: tenant.context(nil))
    }

    /// Approves a plan, as a person at a terminal does, without being asked at one.
    func approve(_ plan: JSONValue, check: PersonCheck = .terminal, with key: EvidenceKey? = nil) async throws {
        let paths = tenant.home.paths
        let shelf = PlanShelf(paths)
        var found = try shelf.found(
            plan["plan"]?.string ?? "",
            in: OperationContext(
                call: tenant.context(nil), deadline: .after(.seconds(300)), record: CallRecord()))
        var signer = key
        if signer == nil { signer = try EvidenceKey.standing(at: paths.evidenceKey) }
        found.file.approvals.append(
            try PlanApproval(of: found.file.digest, by: "ada", check: check, with: try #require(signer)))
        try found.file.write(found.path)
    }

    func written(_ path: String, _ name: String) async throws -> JSONValue? {
        try await tenant.graph("GET", "\(path)?$select=\(name)")[name]
    }

    /// How many requests that write the tenant has got.
    func writes() async throws -> Int {
        let requests = try await tenant.control("GET", "requests")["requests"]?.array ?? []
        return requests.count { request in
            guard request["path"]?.string?.contains("oauth2") == false,
                request["path"]?.string?.contains("$batch") == false
            else { return false }
            return ["PATCH", "DELETE", "PUT"].contains(request["method"]?.string ?? "")
        }
    }
}

@Suite("Plans", .timeLimit(.minutes(10)))
struct PlanTests {
    @Test("a plan made while nobody is signed in says so, and how to sign in", arguments: [true, false])
    func signedOut(isSignedIn: Bool) async throws {
        let home = try await PlanHome(isSignedIn: isSignedIn)
        let call = PlanHome.request("PATCH", "/users/lena.vogt@contoso-sandbox.example", ["city": "Rome"])
        let answer = try await home.tenant.call("plan", ["calls": [call]])
        #expect(ChangesHome.value(answer)["steps"]?.array?.count == 1)
        let words = "Nobody is signed in to Demo"
        #expect(answer.notes.contains { $0.contains(words) && $0.contains("mm login Demo") } == !isSignedIn)
    }

    @Test(
        "a call in the form of a model's tool for tasks is planned as the operation behind it",
        arguments: ["recipe", "mm__recipe", "mm_do", "admin.recipe", "gateway__x-recipe"])
    func tasks(tool: String) async throws {
        let home = try await PlanHome()
        let user = "lena.vogt@contoso-sandbox.example"
        let whole: JSONValue = ["name": "leaver", "connection": "Demo", "parameters": ["user": .string(user)]]
        let plan = try await home.plan([["tool": .string(tool), "arguments": whole]])
        let own: JSONValue = ["tool": "leaver", "connection": "Demo", "param": ["user": .string(user)]]
        let same = try await home.plan([["tool": "recipe", "arguments": own]])
        let lines = plan["steps"]?.array?.compactMap { $0["request"] } ?? []
        #expect(lines.count > 1 && lines == same["steps"]?.array?.compactMap { $0["request"] })
    }

    @Test("a plan sends nothing, and its apply sends exactly what it says")
    func exactly() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let before = try await home.written("/users/\(user)", "department")
        let plan = try await home.plan([PlanHome.request("PATCH", "/users/\(user)", ["department": "Planned"])])
        #expect(plan["steps"]?.array?.count == 1)
        #expect(plan["steps"]?.array?[0]["lines"]?.array?[0].string?.contains("Planned") == true)
        #expect(try await home.written("/users/\(user)", "department") == before)
        #expect(try await home.writes() == 0)
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["done"] == 1 && answer.exitStatus == 0)
        #expect(try await home.written("/users/\(user)", "department") == "Planned")
        #expect(try await home.writes() == 1)
        await home.tenant.stop()
    }

    @Test("ends with 2 where it changes something, and with 0 where all is so already")
    func exits() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let call = PlanHome.request("PATCH", "/users/\(user)", ["department": "Planned"])
        let first = try await home.tenant.call("plan", ["calls": [call]])
        #expect(first.exitStatus == 2)
        _ = try await home.apply(ChangesHome.value(first))
        let again = try await home.tenant.call("plan", ["calls": [call]])
        #expect(again.exitStatus == 0)
        #expect(ChangesHome.value(again)["steps"]?.array?.isEmpty == true)
        await home.tenant.stop()
    }

    @Test("says whether a person is asked about it: many plain changes are", arguments: [(10, false), (11, true)])
    func asks(count: Int, isAsked: Bool) async throws {
        let home = try await PlanHome(users: 40)
        let calls = try await home.users(count).map {
            PlanHome.request("PATCH", "/users/\($0)", ["department": "Planned"])
        }
        let answer = try await home.tenant.call("plan", ["calls": .array(calls)])
        let plan = ChangesHome.value(answer)
        #expect(plan["steps"]?.array?.count == count && plan["asks"] == .bool(isAsked))
        #expect(answer.notes.contains { $0.contains("plan approve") } == isAsked, "\(answer.notes)")
        let applied = await Result { () async throws(MMError) in try await home.apply(plan) }
        switch applied {
        case .success: #expect(!isAsked)
        case .failure(let error): #expect(isAsked && error.code == .confirmationNeeded, "\(error)")
        }
        await home.tenant.stop()
    }

    @Test("a second apply of the same plan sends nothing")
    func once() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome"])])
        _ = try await home.apply(plan)
        try await home.tenant.graph("PATCH", "/users/\(user)", ["city": "Oslo"])
        let again = try await home.apply(plan)
        #expect(again.exitStatus == 0)
        #expect(try await home.written("/users/\(user)", "city") == "Oslo")
        await home.tenant.stop()
    }

    @Test("refuses where an object is another one now, names who changed it, and sends nothing of the rest either")
    func changedSince() async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        // One is named by its sign-in name: the audit log knows ids alone.
        let name = try #require(try await home.written("/users/\(users[1])", "userPrincipalName")?.string)
        let plan = try await home.plan(
            [users[0], name].map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) })
        try await home.tenant.graph("PATCH", "/users/\(users[1])", ["city": "Oslo"])
        let writes = try await home.writes()
        let error = await #expect(throws: MMError.self) { try await home.apply(plan) }
        #expect(error?.code == .conflict)
        #expect(error?.details["changed"] == [2] && error?.details["left"] == [1, 2])
        #expect(error?.message.contains("by admin@contoso-sandbox.example at 20") == true, "\(error as Any)")
        #expect(try await home.writes() == writes)
        let skipped = try await home.apply(plan, skips: true)
        #expect(skipped.exitStatus == 1)
        #expect(try await home.written("/users/\(users[0])", "city") == "Rome")
        #expect(try await home.written("/users/\(users[1])", "city") == "Oslo")
        await home.tenant.stop()
    }

    @Test("an object that can't be read is not taken for one that has changed or is gone")
    func unreadable() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome"])])
        let fault: JSONObject = ["kind": "status", "status": 403, "path": .string("*/users/\(user)*"), "count": 20]
        let writes = try await home.writes()
        _ = try await home.tenant.control("POST", "faults", fault)
        let error = await #expect(throws: MMError.self) { try await home.apply(plan) }
        #expect(error?.code != .conflict && error?.message.contains("can't be read") == true, "\(error as Any)")
        #expect(try await home.writes() == writes)
        _ = try await home.tenant.control("DELETE", "faults")
        let call = ChangesHome.value(try await home.apply(plan))["call"] ?? .null
        let back = try await home.plan([["tool": "undo", "arguments": ["call": call]]])
        _ = try await home.tenant.control("POST", "faults", fault)
        let refusal = await #expect(throws: MMError.self) { try await home.apply(back) }
        #expect(refusal != nil && refusal?.code != .conflict, "\(refusal as Any)")
        await home.tenant.stop()
    }

    @Test(
        "an error says which call of several it is about",
        arguments: [(2, "Call 2 of 2: Calls of `login` "), (1, "Calls of `login` ")])
    func wrongCall(count: Int, says: String) async throws {
        let home = try await PlanHome()
        let calls: [JSONValue] = [PlanHome.request("GET", "/me"), ["tool": "login"]]
        let error = await #expect(throws: MMError.self) { try await home.plan(Array(calls.suffix(count))) }
        #expect(error?.message.hasPrefix(says) == true, "\(error as Any)")
        await home.tenant.stop()
    }

    @Test("several writes of one object are one plan, each on what the one before it leaves")
    func following() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([
            PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome", "jobTitle": "Cook"]),
            PlanHome.request("PATCH", "/users/\(user)", ["city": "Oslo"]),
        ])
        #expect(plan["steps"]?.array?[1]["lines"]?.array?[0].string?.contains("Rome") == true)
        _ = try await home.apply(plan)
        #expect(try await home.written("/users/\(user)", "city") == "Oslo")
        #expect(try await home.written("/users/\(user)", "jobTitle") == "Cook")
        await home.tenant.stop()
    }

    @Test("what the guard asks about needs a signed yes, or a person; a yes to another plan is none")
    func approval() async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let plan = try await home.plan([PlanHome.request("DELETE", "/users/\(users[0])")])
        let other = try await home.plan([PlanHome.request("DELETE", "/users/\(users[1])")])
        #expect(plan["asks"] == true)
        let error = await #expect(throws: MMError.self) { try await home.apply(plan) }
        #expect(error?.code == .confirmationNeeded)
        try await home.approve(other)
        let still = await #expect(throws: MMError.self) { try await home.apply(plan) }
        #expect(still?.code == .confirmationNeeded)
        try await home.approve(plan)
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["receipt"]?["receipt"]?["approved"]?["by"] == ["ada"])
        await home.tenant.stop()
    }

    @Test("a yes that another machine has signed counts where the registry names its key")
    func elsewhere() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("DELETE", "/users/\(user)")])
        let far = try TestHome()
        let key = try EvidenceKey.standing(at: far.paths.evidenceKey)
        try await home.approve(plan, with: key)
        let error = await #expect(throws: MMError.self) { try await home.apply(plan) }
        #expect(error?.code == .confirmationNeeded)
        #expect(error?.hint?.contains("0 of 1 count for Demo. ada signed with a key") == true, "\(error?.hint ?? "")")
        try home.tenant.edit { entries in
            var entry = entries["Demo"]?.object ?? [:]
            entry["approvers"] = ["grace": .string(key.publicText)]
            entries["Demo"] = .object(entry)
        }
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["receipt"]?["receipt"]?["approved"]?["by"] == ["grace"])
        await home.tenant.stop()
    }

    @Test(
        "a plan whose file claims less about a step than the guard decides isn't shown or applied so",
        arguments: [(GuardClass.write, nil), (.read, nil), (.destructive, "ask")] as [(GuardClass, String?)])
    func claims(_ guardClass: GuardClass, shown: String?) async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let made = try await home.plan([PlanHome.request("DELETE", "/users/\(user)")])
        let shelf = PlanShelf(home.tenant.home.paths)
        let context = OperationContext(
            call: home.tenant.context(nil), deadline: .after(.seconds(300)), record: CallRecord())
        let real = try shelf.found(made["plan"]?.string ?? "", in: context).file.plan
        let steps = real.steps.map { step in
            PlanStep(
                call: step.call, part: step.part, connection: step.connection, module: step.module, act: step.act,
                guardClass: guardClass, decision: .allow, reason: "", change: step.change, state: step.state)
        }
        let claimed = PlanFile(
            Plan(
                nonce: "n", made: real.made, until: real.until, by: real.by, calls: real.calls, places: real.places,
                steps: steps, open: nil))
        try await shelf.keep(claimed)
        let name: JSONValue = ["plan": .string(claimed.plan.id)]
        if let shown {
            let row = ChangesHome.value(try await home.tenant.call("plan_show", name.object ?? [:]))
            #expect(row["steps"]?.array?.first?["verdict"]?.string == shown)
            #expect(row["plan"] == name["plan"] && row["asks"] == true)
            let error = await #expect(throws: MMError.self) { try await home.apply(name) }
            #expect(error?.code == .confirmationNeeded, "\(error as Any)")
        } else {
            let errors = [
                await #expect(throws: MMError.self) { try await home.apply(name) },
                await #expect(throws: MMError.self) {
                    try await home.tenant.service.call(
                        "plan_show", name.object ?? [:], in: home.tenant.context(nil))
                },
            ]
            for error in errors {
                #expect(error?.code == .conflict && error?.message.contains("destructive") == true, "\(error as Any)")
            }
        }
        #expect(try await home.writes() == 0)
        await home.tenant.stop()
    }

    @Test(
        "a bulk is counted by what its steps would send, whatever the file says that they change",
        arguments: [(1, false), (10, false), (11, true), (30, true)])
    func claimedPlace(count: Int, asks: Bool) throws {
        let request = try GraphRequest(
            method: "PATCH", target: RequestTarget(parsing: "/v1.0/users/1", service: .graph), body: Array("{}".utf8),
            contentType: "application/json")
        let claim = try #require(Change(request, isAction: nil))
        let steps = (1...count).map { number in
            PlanStep(
                call: 0, part: nil, connection: "Demo", module: "graph-api",
                act: .request(
                    .init(
                        resource: "graph", method: "PATCH", address: "/v1.0/users/\(number)", headers: [:],
                        body: Array("{}".utf8), contentType: "application/json")),
                guardClass: .write, decision: .allow, reason: "", change: claim, state: PlanState())
        }
        let plan = Plan(
            nonce: "n",
            made: .now, until: .now + .seconds(60), by: "ada", calls: [],
            places: [.init(connection: "Demo", tenant: "t", identity: "i")], steps: steps, open: nil)
        #expect(PlanStep.objects(of: steps) == count)
        #expect(plan.asks == asks)
    }

    @Test(
        "each new object counts, though all have the address of their collection",
        arguments: [
            ("graph", "/v1.0/users"), ("azure", "/subscriptions/1/resourceGroups/a/providers/b"),
            ("sharepoint", "https://contoso-my.sharepoint.com/_api/web/lists"),
        ])
    func creations(resource: String, address: String) {
        let steps = (1...12).map { number in
            Self.step(
                .request(
                    .init(
                        resource: resource, method: "POST", address: address, headers: [:],
                        body: Array("{\"name\": \"\(number)\"}".utf8), contentType: "application/json")))
        }
        #expect(PlanStep.objects(of: steps) == 12)
    }

    @Test(
        "each object of a cmdlet counts once, also a new one and one of an unknown kind",
        arguments: [
            ("Set-Mailbox", "Identity", 12), ("New-DistributionGroup", "Name", 12),
            ("Start-ManagedFolderAssistant", "Identity", 12),
            ("Set-Mailbox", "CustomAttribute1", 1),
        ])
    func cmdletObjects(name: String, parameter: String, count: Int) {
        let steps = (1...12).map { number in
            var parameters: JSONObject = parameter == "Name" ? [:] : ["Identity": "box"]
            parameters[parameter] = .string("x\(number)")
            return Self.step(.command(ExchangeCommand(name, parameters), at: .exchange))
        }
        #expect(PlanStep.objects(of: steps) == count)
    }

    private static func step(_ act: PlanStep.Act) -> PlanStep {
        PlanStep(
            call: 0, part: nil, connection: "Demo", module: "graph-api", act: act, guardClass: .write,
            decision: .allow, reason: "", change: nil, state: PlanState())
    }

    @Test(
        "a request to one of SharePoint's hosts is kept for that host",
        arguments: ["contoso", "contoso-my", "contoso-admin"])
    func hosts(label: String) throws {
        let home = try TestHome()
        let services = OperationServices(environment: home.environment).requestServices
        let connection = try Connection(
            name: "Contoso",
            entry: [
                "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenant": "contoso.com", "sharepoint_host": "contoso",
            ])
        let context = OperationContext(
            call: CallContext(caller: Caller(surface: .terminal, name: "test", server: nil)),
            deadline: .after(.seconds(300)), record: CallRecord())
        let watch = WriteWatch(
            client: try GuardedClient(
                identity: services.identity, connection: connection, service: .sharePoint, sharePointLabel: label),
            connection: connection, requests: services, context: context)
        let request = try GraphRequest(method: "DELETE", target: watch.client.target("/_api/web/lists('1')"))
        let act = try PlanStep.Act(request, of: .named(.sharepoint), by: watch)
        guard case .request(let text) = act else {
            Issue.record("it is no request")
            return
        }
        let sending = PlanSending(connection: connection, services: services, context: context)
        let (client, sent) = try sending.request(text)
        #expect(client.resource == .sharePoint(label) && sent.target.path == request.target.path)
    }

    @Test("a changed byte is refused, wherever it stands", arguments: 0..<40)
    func changedByte(seed: UInt64) throws {
        let step = PlanStep(
            call: 0, part: nil, connection: "Demo", module: "graph-api",
            act: .request(
                .init(
                    resource: "graph", method: "PATCH", address: "/v1.0/users/1", headers: [:],
                    body: Array("{\"city\": \"Rome\"}".utf8), contentType: "application/json")),
            guardClass: .write, decision: .allow, reason: "", change: nil, state: PlanState())
        let plan = Plan(
            nonce: "n",
            made: .now, until: .now + .seconds(60), by: "ada", calls: [],
            places: [.init(connection: "Demo", tenant: "t", identity: "i")], steps: [step], open: nil)
        let bytes = PlanFile(plan).bytes
        #expect(try PlanFile(bytes, named: "a").digest == PlanFile(plan).digest)
        var random = SeededRandom(seed: seed)
        var changed = bytes
        let place = Int.random(in: 0..<bytes.count, using: &random)
        changed[place] ^= UInt8.random(in: 1...255, using: &random)
        #expect(throws: MMError.self) { try PlanFile(changed, named: "a") }
        #expect(throws: MMError.self) { try PlanFile(Array(bytes.prefix(place)), named: "a") }
    }

    @Test("cmdlets of Exchange are steps with their states, and a loop over mailboxes is one for each")
    func cmdlets() async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([
            PlanHome.run(
                "Get-Mailbox -ResultSize 3 | ForEach-Object { Set-Mailbox $_.Identity -CustomAttribute1 'Planned' }")
        ])
        #expect(plan["steps"]?.array?.count == 3)
        #expect(plan["open"] == .null)
        let answer = try await home.apply(plan)
        #expect(ChangesHome.value(answer)["done"] == 3)
        let rows = try await home.tenant.run("Get-Mailbox -ResultSize 3 | Select-Object CustomAttribute1").array ?? []
        #expect(rows.count == 3 && rows.allSatisfy { $0["CustomAttribute1"] == "Planned" })
        await home.tenant.stop()
    }

    @Test("cmdlets of Graph's modules are planned natively, with those of Exchange in their order")
    func graphCmdlets() async throws {
        let home = try await PlanHome()
        let lines = [
            "foreach ($u in Get-MgUser -Filter \"startswith(userPrincipalName,'l')\" -Top 2) {",
            "Set-Mailbox $u.UserPrincipalName -CustomAttribute1 moved",
            "Update-MgUser -UserId $u.Id -Department Moved", "}",
        ]
        let before = try await home.writes()
        let mixed = try await home.plan([PlanHome.run(lines.joined(separator: "\n"))])
        let requests = mixed["steps"]?.array?.map { $0["request"]?.string?.prefix(5) ?? "" }
        #expect(requests == ["Set-M", "PATCH", "Set-M", "PATCH"] && mixed["open"] == .null, "\(mixed)")
        let alone = (lines.prefix(1) + lines.suffix(2)).joined(separator: "\n")
        let plan = try await home.plan([PlanHome.run(alone, module: "graph")])
        #expect(plan["steps"]?.array?.count == 2 && plan["open"] == .null, "\(plan)")
        #expect(try await home.writes() == before)
        try await home.approve(plan)
        #expect(try await home.apply(plan).exitStatus == 0)
        let moved = try await home.tenant.list("/users?$filter=department%20eq%20'Moved'")
        #expect(moved.count == 2)
        await home.tenant.stop()
    }

    @Test(
        "a plan goes on after a change whose output the script discards",
        arguments: [
            "$null = New-MgGroup @new", "New-MgGroup @new | Out-Null", "[void](New-MgGroup @new)",
            "New-MgGroup @new > $null", "try { $null = New-MgGroup @new } catch { throw }",
            "function Add { $null = New-MgGroup @new }; Add",
        ])
    func discarded(line: String) async throws {
        let home = try await PlanHome()
        let script = [
            "$new = @{ DisplayName = 'C1'; MailNickname = 'c1'; MailEnabled = $false; SecurityEnabled = $true }", line,
            "Update-MgUser -UserId admin@contoso-sandbox.example -Department x",
        ]
        let plan = try await home.plan([PlanHome.run(script.joined(separator: "\n"), module: "graph")])
        #expect(plan["steps"]?.array?.count == 2 && plan["open"] == .null, "\(plan)")
        await home.tenant.stop()
    }

    @Test(
        "a plan ends after a change whose output the script uses",
        arguments: [
            "$g = $null = New-MgGroup @new", "$g = New-MgGroup @new",
            "New-MgGroup @new | Tee-Object -Variable g | Out-Null", "$null = ($g = New-MgGroup @new)",
        ])
    func used(line: String) async throws {
        let home = try await PlanHome()
        let script = [
            "$new = @{ DisplayName = 'C1'; MailNickname = 'c1'; MailEnabled = $false; SecurityEnabled = $true }", line,
            "Update-MgUser -UserId admin@contoso-sandbox.example -Department x",
        ]
        let plan = try await home.plan([PlanHome.run(script.joined(separator: "\n"), module: "graph")])
        #expect(plan["steps"]?.array?.count == 1 && plan["open"]?.string != nil, "\(plan)")
        await home.tenant.stop()
    }

    @Test(
        "a script of Graph's cmdlets is planned up to where it goes on with what it would have changed",
        arguments: [
            "$g = New-MgGroup -DisplayName C1 -MailNickname c1 -MailEnabled:$false -SecurityEnabled; Update-MgGroup -GroupId $g.Id -Description x",
            "Update-MgUser -UserId admin@contoso-sandbox.example -Department x; Get-MgUser -Filter \"department eq 'x'\" | % { Update-MgUser -UserId $_.Id -City y }",
            "Update-MgUser -UserId admin@contoso-sandbox.example -Department x; $u = Get-MgUser -UserId admin@contoso-sandbox.example; Update-MgUser -UserId $u.Id -City y",
        ])
    func openRequests(script: String) async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([PlanHome.run(script, module: "graph")])
        #expect(plan["steps"]?.array?.count == 1 && plan["open"]?.string != nil, "\(plan)")
        try await home.approve(plan)
        #expect(try await home.apply(plan).exitStatus == 2)
        let rest = try await home.plan([PlanHome.run(script, module: "graph")])
        #expect(rest["steps"]?.array?.count == 1 && rest["open"] == .null, "\(rest)")
        await home.tenant.stop()
    }

    @Test(
        "a script that goes on with what a write answers is planned up to there",
        arguments: [
            "$m = New-Mailbox -Shared -Name Box1 -DisplayName Box1; Set-Mailbox $m.Identity -DisplayName x",
            "New-Mailbox -Shared -Name Box1 -DisplayName Box1 | Set-Mailbox -DisplayName x",
            "New-Mailbox -Shared -Name Box1 -DisplayName Box1; Get-Mailbox Box1 | Set-Mailbox -DisplayName x",
        ])
    func open(script: String) async throws {
        let home = try await PlanHome()
        let plan = try await home.plan([PlanHome.run(script)])
        #expect(plan["steps"]?.array?.count == 1)
        #expect(plan["open"]?.string != nil)
        await home.tenant.stop()
    }

    @Test(
        "the rest of an open script is planned by the same call, and nothing that is made is made again",
        arguments: [
            "$m = New-DistributionGroup -Name Crew1; Set-DistributionGroup $m.Identity -DisplayName x",
            "New-DistributionGroup -Name Crew1 | Set-DistributionGroup -DisplayName x",
            "New-DistributionGroup -Name Crew1; Get-DistributionGroup Crew1 | Set-DistributionGroup -DisplayName x",
        ])
    func rest(script: String) async throws {
        let home = try await PlanHome()
        let first = try await home.plan([PlanHome.run(script)])
        try await home.approve(first)
        #expect(try await home.apply(first).exitStatus == 2)
        let rest = try await home.plan([PlanHome.run(script)])
        #expect(rest["open"] == .null && rest["after"] == first["plan"])
        #expect(rest["steps"]?.array?.map { $0["request"]?.string?.hasPrefix("Set-DistributionGroup") } == [true])
        try await home.approve(rest)
        #expect(try await home.apply(rest).exitStatus == 0)
        let groups = try await home.tenant.run("Get-DistributionGroup Crew1 | Select-Object DisplayName").array ?? []
        #expect(groups.map { $0["DisplayName"] } == ["x"])
        // All of it is done: the same call once more is another one.
        let next = try await home.plan([PlanHome.run(script)])
        #expect(next["after"] == nil && next["steps"]?.array?.count == 1)
        await home.tenant.stop()
    }

    /// Makes a group, named by the day, and puts somebody into it: the second step needs what the first one answers.
    private static let crew = """
        description: Makes a crew.
        parameters:
          user: {type: string, required: true, description: Its first member.}
        steps:
          - id: crew
            post: /groups
            body:
              displayName: 'Crew {now}'
              mailNickname: crew
              mailEnabled: false
              securityEnabled: true
          - id: title
            patch: /users/{user}
            body: {jobTitle: Sailor}
          - id: member
            post: /groups/{crew.id}/members/$ref
            body:
              '@odata.id': 'https://graph.microsoft.com/v1.0/directoryObjects/{user}'
        """

    private static func crewCall(_ user: String) -> JSONValue {
        ["tool": "do", "arguments": ["tool": "crew", "connection": "Demo", "param": ["user": .string(user)]]]
    }

    @Test("the rest of an open tool goes on with what was answered, on the states of today")
    func restOfTool() async throws {
        let home = try await PlanHome()
        let folder = home.tenant.home.paths.toolsDirectory
        try ProtectedFile.makeDirectory(folder)
        try ProtectedFile.replace("\(folder)/crew.yaml", with: Array(Self.crew.utf8))
        let user = try await home.users(1)[0]
        let first = try await home.plan([Self.crewCall(user)])
        #expect(first["steps"]?.array?.count == 2 && first["open"]?.string != nil)
        try await home.approve(first)
        #expect(try await home.apply(first).exitStatus == 2)
        // Somebody writes in between: what is to be reached is planned once more.
        try await home.tenant.graph("PATCH", "/users/\(user)", ["jobTitle": "Cook"])
        let rest = try await home.plan([Self.crewCall(user)])
        #expect(rest["open"] == .null)
        #expect(rest["steps"]?.array?.count == 2, "\(rest)")
        #expect(rest["steps"]?.array?.contains { $0["request"]?.string?.hasSuffix("/groups") == true } == false)
        try await home.approve(rest)
        #expect(try await home.apply(rest).exitStatus == 0)
        let groups = try await home.tenant.list("/groups?$filter=startswith(displayName,'Crew ')&$select=id")
        try #require(groups.count == 1)
        let members = try await home.tenant.list("/groups/\(groups[0]["id"]?.string ?? "")/members?$select=id")
        #expect(members.map { $0["id"] } == [.string(user)])
        #expect(try await home.written("/users/\(user)", "jobTitle") == "Sailor")
        await home.tenant.stop()
    }

    @Test("calls that would make otherwise what is made already are refused, unless they are to be planned anew")
    func otherwise() async throws {
        let home = try await PlanHome()
        let folder = home.tenant.home.paths.toolsDirectory
        try ProtectedFile.makeDirectory(folder)
        try ProtectedFile.replace("\(folder)/crew.yaml", with: Array(Self.crew.utf8))
        let user = try await home.users(1)[0]
        let first = try await home.plan([Self.crewCall(user)])
        try await home.approve(first)
        _ = try await home.apply(first)
        let changed = Self.crew.replacing("mailNickname: crew", with: "mailNickname: other")
        try ProtectedFile.replace("\(folder)/crew.yaml", with: Array(changed.utf8))
        let error = await #expect(throws: MMError.self) { try await home.plan([Self.crewCall(user)]) }
        #expect(error?.code == .conflict && error?.hint?.contains("--anew") == true)
        let anew = try await home.tenant.call("plan", ["calls": [Self.crewCall(user)], "anew": true])
        #expect(ChangesHome.value(anew)["after"] == nil)
        await home.tenant.stop()
    }

    @Test(
        "a file that can't be written is refused before anything is sent", arguments: ["receipt", "junit", "summary"])
    func unwritable(file: String) async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let made = try await home.tenant.call(
            "plan", ["calls": [PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome"])]])
        let plan = ChangesHome.value(made)["plan"] ?? .null
        // A path below a file.
        let place = "\(home.tenant.home.paths.registry)/x"
        await #expect(throws: MMError.self) {
            try await home.tenant.call("apply", ["plan": plan, file: .string(place)])
        }
        let answer = try await home.tenant.call("apply", ["plan": plan])
        #expect(ChangesHome.value(answer)["done"] == 1, "only now is the plan applied")
        #expect(!answer.notes.contains { $0.contains("already applied") })
        await home.tenant.stop()
    }

    @Test("what a job shows of plan and apply: a JUnit report, and a summary in Markdown")
    func jobReport() async throws {
        let home = try await PlanHome()
        let users = try await home.users(2)
        let folder = home.tenant.home.path
        let calls = users.map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome <&\">"]) }
        var arguments: JSONObject = [
            "junit": .string("\(folder)/report.xml"), "summary": .string("\(folder)/summary.md"),
        ]
        var planned = arguments
        planned["calls"] = .array(calls)
        let made = try await home.tenant.call("plan", planned)
        let plan = ChangesHome.value(made)
        func text(_ name: String) throws -> String {
            String(decoding: try #require(try home.tenant.home.read("\(folder)/\(name)")), as: UTF8.self)
        }
        #expect(try text("report.xml").contains("<testsuites name=\"mm plan\" tests=\"2\" failures=\"0\""))
        #expect(try text("report.xml").contains("Rome &lt;&amp;"))
        #expect(try text("report.xml").contains("&#10;city: "), "each line stands for itself")
        #expect(try text("summary.md").contains("2 changes in Demo"))
        try await home.tenant.graph("PATCH", "/users/\(users[1])", ["city": "Oslo"])
        arguments["plan"] = plan["plan"] ?? .null
        let asked = arguments
        await #expect(throws: MMError.self) { try await home.tenant.call("apply", asked) }
        #expect(try text("report.xml").contains("errors=\"1\""))
        arguments["skip"] = true
        _ = try await home.tenant.call("apply", arguments)
        #expect(
            try text("report.xml").contains("<testsuites name=\"mm apply\" tests=\"2\" failures=\"1\" errors=\"0\""))
        #expect(try text("summary.md").contains("1 of 2 changes"))
        #expect(try text("summary.md").contains("2 changes in Demo"), "a summary is added to")
        await home.tenant.stop()
    }

    @Test(
        "a script that reads by any name what it would have changed is planned up to there",
        arguments: ["lena.vogt@contoso-sandbox.example", "lena.vogt"])
    func reading(name: String) async throws {
        let home = try await PlanHome(users: 12)
        let plan = try await home.plan([
            PlanHome.run(
                "Set-Mailbox lena.vogt@contoso-sandbox.example -CustomAttribute1 one; "
                    + "if ((Get-Mailbox \(name)).CustomAttribute1 -eq 'one') { Set-Mailbox \(name) -CustomAttribute2 two }"
            )
        ])
        #expect(plan["steps"]?.array?.count == 1, "\(plan)")
        #expect(plan["open"]?.string?.contains("Get-Mailbox reads what Set-Mailbox") == true, "\(plan)")
        await home.tenant.stop()
    }

    @Test("a file that is sent is planned with its bytes, whatever they are, and replaces only what it was planned on")
    func upload() async throws {
        let home = try await PlanHome(users: 12)
        let path = home.tenant.home.path + "/picture.bin"
        let place = "/me/drive/root:/Documents/picture.bin"
        func planned(_ bytes: [UInt8], replacing: Bool) async throws -> JSONValue {
            try ProtectedFile.replace(path, with: bytes)
            var arguments: JSONObject = ["connection": "Demo", "endpoint": .string(place), "upload": .string(path)]
            if replacing { arguments["conflict"] = "replace" }
            return ["tool": "graph_request", "arguments": .object(arguments)]
        }
        func size() async throws -> JSONValue? { try await home.tenant.graph("GET", place)["size"] }
        let new = try await home.plan([try await planned([0xFF, 0x00, 0xFE], replacing: false)])
        #expect(new["steps"]?.array?.count == 1)
        // The plan holds the bytes: the file may go.
        try ProtectedFile.remove(path)
        let made = try await home.apply(new)
        #expect(made.exitStatus == 0 && ChangesHome.value(made)["done"] == 1)
        #expect(try await size() == 3)
        let replacing = try await home.plan([try await planned([1, 2, 3, 4], replacing: true)])
        let title = replacing["steps"]?.array?[0]["change"]?.string ?? ""
        #expect(title.contains("replaces the content of picture.bin"), "\(replacing)")
        // Somebody else writes in between.
        try ProtectedFile.replace(path, with: [9, 9])
        _ = try await home.tenant.call(
            "graph_request",
            ["connection": "Demo", "endpoint": .string(place), "upload": .string(path), "conflict": "replace"])
        let error = await #expect(throws: MMError.self) { try await home.apply(replacing) }
        #expect(error?.code == .conflict, "\(error as Any)")
        #expect(try await size() == 2)
        let again = try await home.plan([try await planned([1, 2, 3, 4], replacing: true)])
        let applied = try await home.apply(again)
        #expect(applied.exitStatus == 0, "\(ChangesHome.value(applied))")
        #expect(try await size() == 4)
        let undone = ChangesHome.value(
            try await home.tenant.call("undo", ["call": ChangesHome.value(applied)["call"] ?? .null]))
        #expect(undone[0]?["result"] == "undone", "\(undone)")
        #expect(try await size() == 2)
        await home.tenant.stop()
    }

    @Test("an undo is planned, and undoing what a plan has changed takes all of it back")
    func undo() async throws {
        let home = try await PlanHome()
        let users = try await home.users(3)
        var before: [JSONValue?] = []
        for user in users { before.append(try await home.written("/users/\(user)", "city")) }
        let plan = try await home.plan(users.map { PlanHome.request("PATCH", "/users/\($0)", ["city": "Rome"]) })
        let call = ChangesHome.value(try await home.apply(plan))["call"] ?? .null
        let back = try await home.plan([["tool": "undo", "arguments": ["call": call]]])
        #expect(back["steps"]?.array?.count == 3)
        #expect(try await home.written("/users/\(users[0])", "city") == "Rome")
        let undone = try await home.apply(back)
        #expect(ChangesHome.value(undone)["done"] == 3)
        for (user, city) in zip(users, before) { #expect(try await home.written("/users/\(user)", "city") == city) }
        await home.tenant.stop()
    }

    @Test("a receipt is genuine elsewhere for who knows its key, and no byte of it can be another")
    func receipt() async throws {
        let home = try await PlanHome()
        let user = try await home.users(1)[0]
        let plan = try await home.plan([PlanHome.request("PATCH", "/users/\(user)", ["city": "Rome"])])
        let answer = ChangesHome.value(try await home.apply(plan))["receipt"] ?? .null
        let far = try TestHome()
        let path = far.paths.stateDirectory + "/a.receipt"
        try ProtectedFile.replace(path, with: JSONWriter.bytes(answer))
        let service = LocalOperationService(services: OperationServices(environment: far.environment))
        let unknown = await #expect(throws: MMError.self) {
            try await service.call("receipt_verify", ["receipt": .string(path)], in: home.tenant.context(nil))
        }
        #expect(unknown?.message.contains("the key that signed it is unknown here") == true)
        let verified = try await service.call(
            "receipt_verify", ["receipt": .string(path), "key": answer["key"] ?? .null], in: home.tenant.context(nil))
        #expect(ChangesHome.value(verified)["genuine"] == true)
        let text = JSONWriter.string(answer).replacing("\"status\":204", with: "\"status\":200")
        try ProtectedFile.replace(path, with: Array(text.utf8))
        let forged = await #expect(throws: MMError.self) {
            try await service.call(
                "receipt_verify", ["receipt": .string(path), "key": answer["key"] ?? .null],
                in: home.tenant.context(nil))
        }
        #expect(forged?.message.contains("not genuine") == true)
        await service.services.close()
        await home.tenant.stop()
    }
}
