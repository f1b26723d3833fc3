import MMCore
import MMGraph
import MMGuard
import MMIdentity

extension ConnectSteps {
    /// Gives the tenant its own app registration, if the person wants one and may.
    func register(
        _ tenant: DiscoveredTenant, _ account: SignedInAccount, for connection: Connection
    ) async throws(MMError) -> Registration {
        if input.app == .shared { return .shared(notes: []) }
        let uses = try await uses()
        let client = try GraphClient(identity: identity, connection: connection)
        let registrar = AppRegistrar(
            client: client,
            watch: WriteWatch(client: client, connection: connection, requests: services, context: context))
        report("Checking the tenant's app registrations…")
        let plan: RegistrationPlan
        do throws(MMError) {
            plan = try await registrar.plan(for: uses, account)
        } catch {
            guard error.code == .forbidden else { throw error }
            return .shared(notes: steps(uses, tenant, connection, appID: nil, why: error))
        }
        do throws(MMError) {
            try await confirm(plan, client, connection)
        } catch {
            // Who says no to the plan still has a connection.
            guard error.code == .denied, context.record.facts["confirmedBy"] == "refused", input.app != .own else {
                throw error
            }
            return .shared(notes: ["Nothing was registered."])
        }
        do throws(AppRegistrar.Stop) {
            let (appID, unavailable) = try await registrar.carryOut(plan) { report($0) }
            return .app(appID, missing: plan.unavailable + unavailable)
        } catch {
            if error.error.code == .forbidden {
                return .shared(
                    notes: done(error) + steps(uses, tenant, connection, appID: error.appID, why: error.error))
            }
            var failure = error.error
            failure.hint =
                (done(error) + ["Run the same command again: it goes on where it stopped.", failure.hint ?? ""])
                .filter { !$0.isEmpty }.joined(separator: " ")
            throw failure
        }
    }

    private func uses() async throws(MMError) -> [ConnectionUse] {
        if let uses = input.uses { return uses }
        let list = ConnectionUse.allCases.map { "  \($0.rawValue): \($0.purpose)" }.joined(separator: "\n")
        let text = try await ask(
            "What is the connection for?\n\(list)\nOne or more, with commas (Enter: graph): ",
            instead: "--uses graph,…",
            "What the connection is for was not said.")
        return text.isEmpty ? [.graph] : try ConnectionUse.list(text)
    }

    /// Shows the plan to a person and waits for their yes; there is no other way through.
    private func confirm(
        _ plan: RegistrationPlan, _ client: GraphClient, _ connection: Connection
    ) async throws(MMError) {
        let guarding = services.guarding
        // What the connection may do later is its entry's matter; setting it up is its owner's.
        let policy: GuardPolicy = context.call.readsOnly ? GuardPolicy(.readonly) : .standard
        guard let verdict = try plan.verdict(client, try guarding.guards.engine(), policy) else { return }
        context.record.note("requests", .array(plan.steps.map { .string("\($0.method) \($0.endpoint)") }))
        try await Clearance(
            ConfirmationRequest(
                on: connection, module: "graph-api", title: "register an app in the tenant", text: plan.text,
                verdict: verdict)
        ).settle(in: context, with: guarding)
    }

    private func done(_ stop: AppRegistrar.Stop) -> [String] {
        guard !stop.done.isEmpty else { return [] }
        return ["Done so far, and left there: " + stop.done.joined(separator: " ")]
    }

    /// What an administrator does in place of the plan.
    private func steps(
        _ uses: [ConnectionUse], _ tenant: DiscoveredTenant, _ connection: Connection, appID: String?, why: MMError
    ) -> [String] {
        var notes = ["The account may not register apps, or not grant them permissions: \(why.message)"]
        let permissions = ConnectionUse.permissions(of: uses).map {
            "     \($0.service.title): \($0.names.joined(separator: ", "))"
        }.joined(separator: "\n")
        let name = ShellWord.quoted(connection.name)
        if let appID {
            notes.append(
                "An administrator of the tenant consents to the app \(appID) on this page:\n"
                    + "  \(tenant.cloud.login)/\(tenant.id)/adminconsent?client_id=\(appID)\n"
                    + "Then: mm connections edit \(name) --app-id \(appID), and mm login \(name)")
        } else {
            notes.append(
                """
                An administrator of the tenant can do it, in the Entra admin centre under App registrations:
                  1. New registration "\(AppRegistrar.name)", this organisation only, with the redirect address \
                http://localhost of the kind Public client/native.
                  2. Authentication: Allow public client flows: Yes.
                  3. API permissions, all delegated, then Grant admin consent:
                \(permissions)
                Then: mm connections edit \(name) --app-id APPLICATION-ID, and mm login \(name)
                """)
        }
        return notes
    }
}
