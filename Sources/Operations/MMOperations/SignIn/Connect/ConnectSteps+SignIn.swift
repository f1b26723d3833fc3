import MMCore
import MMGraph
import MMIdentity

extension ConnectSteps {
    /// Signs in: in a browser where there is one, else with a code; the other way where a policy refuses the first.
    ///
    /// A sign-in that fails takes the entry with it that this run has written, unless it only waits for its person.
    func signIn(_ connection: Connection, isNew: Bool) async throws(MMError) -> SignedInAccount {
        do throws(MMError) {
            return try await signIn(connection)
        } catch {
            guard isNew, error.code != .signInNeeded else { throw error }
            await withdraw(connection)
            throw error
        }
    }

    /// Takes an entry back that nobody could sign in to. Where that fails the entry stays, and shows what is left of it.
    private func withdraw(_ connection: Connection) async {
        let removal = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.remove(connection.name, from: &document)
        }
        do throws(MMError) {
            try await identity.signOut(named: connection.name, forgettingAccount: true)
            try registry.edit(removal)
        } catch {
            report("The connection \(connection.name) could not be taken back: \(error.message)")
        }
    }

    /// Signs in as an app that may have been registered a moment ago, which the sign-in service may not know yet.
    func signIn(_ connection: Connection, afterRegistering: Bool) async throws(MMError) -> SignedInAccount {
        for wait in [3, 6, 12, 24] where afterRegistering {
            do throws(MMError) {
                return try await signIn(connection)
            } catch {
                guard let code = error.details["aadsts"]?.int, [700_016, 65_001, 7_000_218].contains(code) else {
                    throw error
                }
                report("The new app isn't known everywhere yet; waiting…")
                do { try await Task.sleep(for: .seconds(wait)) } catch {
                    throw MMError(.cancelled, "The sign-in of \(connection.name) was cancelled.")
                }
            }
        }
        return try await signIn(connection)
    }

    private func signIn(_ connection: Connection) async throws(MMError) -> SignedInAccount {
        guard context.call.waitsForSignIn, let person = context.call.person else {
            switch try await identity.beginSignIn(connection) {
            case .signedIn(let account): return account
            case .waiting(let prompt):
                var error = prompt.error(now: .now)
                error.hint = "Approve it in a browser, then run the same command again: it goes on with this sign-in."
                throw error
            }
        }
        let first = input.method ?? (identity.hasBrowser ? .browser : nil)
        // Codes and pages end by themselves; the call's own limit is for requests.
        do throws(MMError) {
            return try await identity.signIn(connection, by: first) { await person.showSignIn($0.details) }
        } catch {
            guard input.method == nil, error.details["nextWay"] == "browser" else { throw error }
            report("A policy of the tenant refuses codes; trying a browser of this machine…")
            return try await identity.signIn(connection, by: .browser) { await person.showSignIn($0.details) }
        }
    }

    /// The connection as it works now, with who is signed in.
    func answer(
        _ tenant: DiscoveredTenant, _ connection: Connection, _ account: SignedInAccount, _ registration: Registration
    ) async throws(MMError) -> OperationAnswer {
        let client = try GraphClient(identity: identity, connection: connection)
        let target = try client.target("/me", query: [("$select", "id,displayName,userPrincipalName,mail,jobTitle")])
        var me =
            try await client.send(GraphRequest(target: target), deadline: .after(.seconds(60))).json().object ?? [:]
        me.remove("@odata.context")
        var answer: JSONObject = [
            "connection": .string(connection.name), "tenant": .string(tenant.domain ?? tenant.id),
            "tenantId": .string(tenant.id), "cloud": .string(tenant.cloud.name),
            "app": connection.appId == SharedClient.appID ? "shared" : "own",
            "appId": connection.appId.map { .string($0) } ?? .null, "account": .string(account.title),
            "me": .object(me),
        ]
        var notes = self.notes
        var lacking = await missing(on: connection)
        if let remedy = remedy(lacking, on: connection, in: tenant) { notes.append(remedy) }
        switch registration {
        case .unasked: break
        case .app(_, let missing):
            if !missing.isEmpty {
                lacking += missing
                notes.append("The tenant's services don't offer: \(missing.joined(separator: ", ")).")
            }
        case .shared(let more):
            notes += more
            notes.append(
                "It signs in as \(SharedClient.title): the directory can be read; mail, files, Exchange and most changes "
                    + "need an app registration of the tenant's own.")
        }
        if input.uses != nil || !lacking.isEmpty { answer["missing"] = .array(lacking.map { .string($0) }) }
        if !moduleRows.isEmpty {
            answer["modules"] = .array(moduleRows)
            notes.append(moduleNote(connection.name))
        }
        notes.append("Next: mm graph \(ShellWord.quoted(connection.name)) /users --top 5")
        var result = OperationAnswer.value(.object(answer), notes: notes)
        result.connection = connection.name
        return result
    }
}
