import MMCore
import MMSandbox
import TestSupport
import Testing

@testable import MMOperations

@Suite("A partner's customers", .timeLimit(.minutes(5)))
struct PartnerCustomersTests {
    @Test(
        "are reached with the partner's sign-in, each under its own name and tenant, where the relationship is active")
    func customers() async throws {
        let home = try await ChangesHome(users: 10, customers: 3)
        let answer = try await home.call(
            "graph_request",
            ["connection": "customers:Demo", "endpoint": "/users?$select=userPrincipalName", "all": true])
        guard case .items(let stream) = answer.body else { throw MMError(.internalError, "no list") }
        var rows: [JSONObject] = []
        while let batch = try await stream.next() {
            for row in batch { rows.append(try #require(JSONParser.parse(row).object)) }
        }
        let end = stream.end()
        #expect(end.exitStatus == 0, "\(end.notes)")
        for number in 1...3 {
            let customer = SandboxOrganization.customer(number)
            let own = rows.filter { $0["connection"] == .string("Demo:\(customer.name)") }
            #expect(own.count == 12)
            #expect(own.allSatisfy { $0["tenant"] == .string(customer.id) })
            #expect(
                own.allSatisfy { $0["userPrincipalName"]?.string?.hasSuffix("@" + customer.domain) == true })
        }
        // Those whose relationship has ended or is pending don't count.
        #expect(rows.count == 36)
        await home.stop()
    }

    @Test("are reached as the person who signed in at the partner, whom the audit log and the status name")
    func person() async throws {
        let home = try await ChangesHome(users: 10, customers: 1)
        let customer = SandboxOrganization.customer(1)
        let name: JSONValue = .string("Demo:\(customer.name)")
        _ = try await home.call("graph_request", ["connection": name, "endpoint": "/organization"])
        let line = ChangesHome.value(try await home.call("audit_show", ["last": 1])).array?.first?.object ?? [:]
        #expect(line["connection"] == name && line["tenant"] == .string(customer.id), "\(line)")
        #expect(line["accountName"] == .string(TenantIdentity.administrator) && line["app"] == nil, "\(line)")
        let status = ChangesHome.value(try await home.call("status", ["connection": name]))
        #expect(status["sessions"]?.array?.first?["account"] == .string(TenantIdentity.administrator), "\(status)")
        await home.stop()
    }

    @Test("run Exchange cmdlets in the customer's organisation")
    func exchange() async throws {
        let home = try await ChangesHome(users: 10, customers: 2)
        let answer = try await home.call(
            "run",
            [
                "connection": "customers:Demo", "module": "exo",
                "command": "Get-AcceptedDomain | Select-Object DomainName", "engine": "native",
            ])
        guard case .items(let stream) = answer.body else { throw MMError(.internalError, "no list") }
        var names: Set<[String]> = []
        while let batch = try await stream.next() {
            for row in batch {
                let row = try #require(JSONParser.parse(row).object)
                names.insert([row["connection"]?.string ?? "", row["DomainName"]?.string ?? ""])
            }
        }
        let end = stream.end()
        #expect(end.exitStatus == 0, "\(end.notes)")
        let expected = (1...2).flatMap { number -> [[String]] in
            let customer = SandboxOrganization.customer(number)
            return [customer.domain, customer.initialDomain].map { ["Demo:\(customer.name)", $0] }
        }
        #expect(names == Set(expected))
        await home.stop()
    }

    @Test("are reached by a plan that another process has made, in the tenants that it names alone")
    func planned() async throws {
        let home = try await ChangesHome(users: 10, customers: 2)
        let body: JSONValue = [
            "displayName": "Crew", "mailNickname": "crew", "mailEnabled": false, "securityEnabled": true,
        ]
        let call: JSONValue = [
            "tool": "graph_request",
            "arguments": ["connection": "customers:Demo", "endpoint": "/groups", "method": "POST", "body": body],
        ]
        let plan = ChangesHome.value(try await home.call("plan", ["calls": [call]]))
        let shelf = PlanShelf(home.home.paths)
        let file = try PlanFile.read(shelf.path(plan["digest"]?.string ?? "", .plan))
        let made = file.plan
        #expect(made.places.map(\.tenant) == (1...2).map { SandboxOrganization.customer($0).id })
        // A name of one customer with the tenant of the other.
        let swapped = zip(made.places, made.places.reversed()).map {
            Plan.Place(connection: $0.connection, tenant: $1.tenant, identity: $0.identity)
        }
        let forged = PlanFile(
            Plan(
                nonce: "n", made: made.made, until: made.until, by: made.by, calls: made.calls, places: swapped,
                steps: made.steps, open: nil))
        try await shelf.keep(forged)
        let other = home.process()
        // Who only looks at the plan doesn't ask the partner for its customers.
        let shown = try await other.call("plan_show", ["plan": .string(made.id)], in: home.context(home.person))
        #expect(ChangesHome.value(shown)["approvalsMissing"] == nil)
        #expect(try other.services.registry.snapshot().implied(named: made.places[0].connection) == nil)
        let error = await #expect(throws: MMError.self) {
            try await other.call("apply", ["plan": .string(forged.plan.id)], in: home.context(home.person))
        }
        #expect(error?.code == .conflict, "\(error as Any)")
        let answer = try await other.call("apply", ["plan": .string(made.id)], in: home.context(home.person))
        // The partner has no role with the second customer that creates groups: that tenant has answered so itself.
        let steps = ChangesHome.value(answer)["steps"]?.array ?? []
        #expect(steps.map { $0["result"] } == ["done", "failed"], "\(steps)")
        await other.services.close()
        await home.stop()
    }

    @Test("are told under the partner's name where the partner has to sign in")
    func signedOut() async throws {
        let home = try await ChangesHome(users: 10, customers: 2, isSignedIn: false)
        let error = await #expect(throws: MMError.self) {
            try await home.call("graph_request", ["connection": "customers:Demo", "endpoint": "/users"])
        }
        #expect(error?.code == .signInNeeded)
        #expect(error?.details["connection"] == "Demo")
        await home.stop()
    }
}
