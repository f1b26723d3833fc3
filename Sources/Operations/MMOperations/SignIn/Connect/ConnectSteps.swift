import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMPowerShell

/// The steps of `connect`, including their questions.
struct ConnectSteps {
    let input: ConnectInput
    let context: OperationContext
    let services: RequestServices
    /// Whether this run wrote the entry.
    private var isNew = false
    /// The requirements of the connection, once they are known.
    private(set) var needs: ConnectionNeeds?

    init(input: ConnectInput, context: OperationContext, services: RequestServices) {
        self.input = input
        self.context = context
        self.services = services
        needs = input.needs
    }

    var registry: ConnectionRegistry { services.guarding.registry }
    var identity: IdentityService { services.identity }

    // MARK: Questions

    /// Asks the person for information that can't be determined.
    /// - Throws: `.invalidInput` with the flag to use instead, where nobody can be asked.
    func ask(_ question: String, instead flag: String, _ why: String) async throws(MMError) -> String {
        if let person = context.call.person, person.canBeAsked, let answer = try await person.answer(to: question) {
            return answer
        }
        throw MMError(
            .invalidInput, "\(why) There is no terminal to ask on.",
            hint: "Use \(flag), or run `mm connect` in a terminal.",
            details: ["field": .string(String(flag.prefix { $0 != " " }.drop { $0 == "-" }))])
    }

    // MARK: The tenant

    func findTenant() async throws(MMError) -> DiscoveredTenant {
        let named: String
        if let given = input.tenant {
            named = given
        } else if let name = input.name, let entry = try? registry.snapshot().connection(named: name),
            let tenant = entry.tenant ?? entry.tenantId
        {
            named = tenant
        } else {
            named = try await ask(
                "Which organisation (a domain such as contoso.com, or your address): ", instead: "mm connect DOMAIN",
                "The tenant to connect is missing.")
        }
        let domain = named.split(separator: "@", omittingEmptySubsequences: false).last.map(String.init) ?? named
        report("Looking for \(domain)…")
        let known =
            input.tenant == nil ? input.name.flatMap { try? registry.snapshot().connection(named: $0).cloud } : nil
        let found = try await identity.discover(domain, in: input.cloud ?? known, deadline: .after(.seconds(60)))
        report("Found \(found.brand ?? domain): tenant \(found.id) in the cloud \(found.cloud.name).")
        return found
    }

    // MARK: The entry

    /// Returns the entry of the tenant: an existing one or a new one.
    mutating func enter(_ tenant: DiscoveredTenant) async throws(MMError) -> Connection {
        let snapshot = try registry.snapshot()
        let name: String
        if let given = input.name {
            name = given
        } else {
            let entries = snapshot.connections.filter { tenant.isThat(of: $0) && $0.auth.method.asksPerson }
                .filter { connection in
                    guard let wanted = input.account, let expected = connection.expectedEmail else { return true }
                    return wanted.lowercased() == expected.lowercased()
                }
            if entries.count > 1 {
                throw MMError(
                    .conflict,
                    "Several connections use this tenant: \(entries.map(\.name).joined(separator: ", ")).",
                    hint: "Choose one with --name, or give a new name.",
                    details: ["field": "name"])
            }
            if let entry = entries.first {
                name = entry.name
            } else {
                name = try await newName(tenant, snapshot)
            }
        }
        if snapshot.names.contains(name) {
            let connection = try snapshot.connection(named: name)
            guard tenant.isThat(of: connection) else { throw Self.taken(connection) }
            return try await complete(connection, tenant)
        }
        return try await add(name, tenant)
    }

    private func newName(_ tenant: DiscoveredTenant, _ snapshot: RegistrySnapshot) async throws(MMError) -> String {
        if let name = tenant.suggestedName, !snapshot.names.contains(name) { return name }
        let taken = tenant.suggestedName.map { "The connection '\($0)' already exists for another tenant." }
        let name = try await ask(
            "\(taken.map { $0 + " " } ?? "")Name of the connection: ", instead: "--name NAME",
            taken ?? "The name of the connection is missing.")
        guard !snapshot.names.contains(name) else { throw Self.taken(try snapshot.connection(named: name)) }
        return name
    }

    private static func taken(_ connection: Connection) -> MMError {
        MMError(
            .conflict,
            "The connection '\(connection.name)' belongs to another tenant: \(connection.authorityTenant ?? "not set").",
            hint: "Use another name: --name NAME.", details: ["field": "name"])
    }

    /// Throws before anything is written or anyone signs in, if a later step would ask a question that nobody can
    /// answer.
    private func checkAnswers(for appID: String?) throws(MMError) {
        guard context.call.person == nil, appID == SharedClient.appID, input.app != .shared else { return }
        let (flag, what) =
            input.app == nil
            ? (
                "--app own (with --uses) or --app shared",
                "The choice whether to register an app in the tenant is missing."
            )
            : ("--uses graph,…", "The uses of the connection are missing.")
        guard input.app == nil || input.needs == nil else { return }
        throw MMError(
            .invalidInput, "\(what) There is no terminal to ask on.",
            hint: "Use \(flag), or run `mm connect` in a terminal.",
            details: ["field": input.app == nil ? "app" : "uses"])
    }

    private mutating func add(_ name: String, _ tenant: DiscoveredTenant) async throws(MMError) -> Connection {
        try checkAnswers(for: firstApp)
        var fields: [(key: String, text: String?)] = [
            ("appId", firstApp), ("tenant", tenant.domain), ("tenantId", tenant.id),
            ("expectedEmail", input.account), ("description", tenant.brand), ("guard", input.guardPolicy),
        ]
        if tenant.cloud.name != "public" { fields.append(("cloud", tenant.cloud.name)) }
        let given = fields.filter { $0.text != nil }
        let addition = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.add(name, fields: given, to: &document)
        }
        _ = try registry.preview(addition)
        // Leftovers of an earlier connection of this name, for instance one removed by hand, must not be used for the
        // new one.
        try await identity.signOut(named: name, forgettingAccount: true)
        try await registry.editWhenFree(addition)
        isNew = true
        return try registry.snapshot().connection(named: name)
    }

    /// The app that a new entry starts with.
    private var firstApp: String {
        if case .registered(let id) = input.app { id } else { SharedClient.appID }
    }

    /// Returns an existing entry with its missing fields added.
    private func complete(_ connection: Connection, _ tenant: DiscoveredTenant) async throws(MMError) -> Connection {
        try checkAnswers(for: connection.appId ?? firstApp)
        var fields: [(key: String, text: String?)] = []
        if connection.tenantId == nil { fields.append(("tenantId", tenant.id)) }
        if connection.appId == nil { fields.append(("appId", firstApp)) }
        if connection.expectedEmail == nil, let account = input.account { fields.append(("expectedEmail", account)) }
        if let policy = input.guardPolicy { fields.append(("guard", policy)) }
        if case .registered(let id) = input.app, connection.appId != nil,
            connection.appId?.lowercased() != id.lowercased()
        {
            throw MMError(
                .conflict, "The connection '\(connection.name)' signs in as another app, \(connection.appId ?? "").",
                hint:
                    "Change it: mm connections edit \(ShellWord.quoted(connection.name)) --app-id \(id); or use a new "
                    + "connection with --name.", details: ["field": "app"])
        }
        return try await edit(connection, fields)
    }

    private func edit(
        _ connection: Connection, _ fields: [(key: String, text: String?)]
    ) async throws(MMError) -> Connection {
        guard !fields.isEmpty else { return connection }
        let change = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.edit(connection.name, fields: fields, in: &document)
        }
        try await services.guarding.settleWeakening(of: connection.name, try registry.preview(change), in: context)
        try await registry.editWhenFree(change)
        return try registry.snapshot().connection(named: connection.name)
    }

    /// Writes the account to the entry, if the entry doesn't name one yet.
    func expect(_ account: SignedInAccount, on connection: Connection) async throws(MMError) -> Connection {
        guard connection.expectedEmail == nil, !account.isApp, !account.username.isEmpty else { return connection }
        return try await edit(connection, [("expectedEmail", account.username)])
    }

    /// Asks what the connection is for, until the answer is valid, unless an argument said it.
    mutating func findNeeds() async throws(MMError) -> ConnectionNeeds {
        if let needs { return needs }
        let rows = ConnectionUse.allCases.map { [$0.rawValue, $0.purpose] }
        let table = TableText(widths: TableText.widths(of: rows), cutsCells: false)
        let list = rows.map { "  " + table.line($0) }.joined(separator: "\n")
        var question = "What is the connection for?\n\(list)"
        while true {
            let text = try await ask(
                "\(question)\nOne or more, with commas (Enter: graph): ",
                instead: "--uses graph,…", "The uses of the connection are missing.")
            do throws(MMError) {
                let found = ConnectionNeeds(uses: text.isEmpty ? [.graph] : try ConnectionUse.list(text))
                needs = found
                return found
            } catch {
                question = "\(error.message) \(error.hint ?? "")"
            }
        }
    }

    /// Adds the uses of the connection to its entry.
    func noteUses(on connection: Connection) async throws(MMError) -> Connection {
        let known = ConnectionUse.named(in: connection)
        let new = (needs?.uses ?? []).filter { !known.contains($0) }
        guard !new.isEmpty, connection.appId != SharedClient.appID else { return connection }
        let all = JSONValue.array((known + new).map { .string($0.rawValue) })
        var fields: [(key: String, text: String?)] = [("uses", JSONWriter.string(all))]
        if new.contains(.sharepoint), let host = await sharePointHost(of: connection) {
            fields.append(("sharepoint_host", host))
        }
        return try await edit(connection, fields)
    }

    /// Returns the first label of the tenant's SharePoint host, if it differs from the one expected by the tenant's
    /// name.
    private func sharePointHost(of connection: Connection) async -> String? {
        guard let client = try? GuardedClient(identity: identity, connection: connection),
            let target = try? client.target("/sites/root", query: [("$select", "webUrl")]),
            let site = try? await client.read(GraphRequest(target: target), deadline: .after(.seconds(20))).json(),
            let address = site["webUrl"]?.string, let host = address.split(separator: "/").dropFirst().first,
            let label = host.split(separator: ".").first.map(String.init), label != connection.sharepointHost
        else { return nil }
        return label
    }

    /// Makes the entry use another app, after removing the tokens of the earlier one.
    func change(_ connection: Connection, to appID: String) async throws(MMError) -> Connection {
        try await identity.signOut(named: connection.name)
        return try await edit(connection, [("appId", appID)])
    }

    func report(_ text: String) { context.call.progress(ProgressReport(done: 0, message: text)) }
}

extension DiscoveredTenant {
    /// Whether a connection belongs to this tenant.
    func isThat(of connection: Connection) -> Bool {
        let names = [connection.tenantId, connection.tenant].compactMap { $0?.lowercased() }
        let isSameSignIn = connection.cloud == cloud.name
        return isSameSignIn && (names.contains(id) || (domain.map(names.contains) ?? false))
    }

    /// A name for its connection: the organisation's name in one word, or else the domain's first label.
    var suggestedName: String? {
        let words = (brand ?? "").split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let joined = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        if !joined.isEmpty, joined.count <= 40, brand?.allSatisfy(\.isASCII) == true { return joined }
        guard let label = domain?.split(separator: ".").first else { return nil }
        return label.prefix(1).uppercased() + label.dropFirst()
    }
}

extension ConnectionAuth.Method {
    /// Whether a person signs in.
    var asksPerson: Bool { self == .device || self == .browser || self == .broker }
}

extension ConnectSteps {
    /// Returns the required permissions that the connection's own tokens lack, by service.
    func missing(on connection: Connection) async -> [(service: ServiceApp, names: [String])] {
        var parts: [(service: ServiceApp, names: [String])] = []
        for (service, names) in needs?.permissions ?? [] {
            // A service that the cloud doesn't have is not reported as missing.
            if let resource = service.resource(of: connection), let cloud = try? identity.cloud(of: connection),
                cloud.audience(of: resource) == nil
            {
                continue
            }
            let granted = await rights(of: connection, on: service)
            let lacking = names.filter { name in !granted.contains { Self.covers($0, name) } }
            if !lacking.isEmpty { parts.append((service, lacking)) }
        }
        return parts
    }

    private func rights(of connection: Connection, on service: ServiceApp) async -> Set<String> {
        guard let resource = service.resource(of: connection) else { return [] }
        return await identity.rights(of: connection, on: resource)?.permissions ?? []
    }

    /// Whether a permission includes everything that another one grants.
    static func covers(_ granted: String, _ wanted: String) -> Bool {
        let has = granted.lowercased().split(separator: ".")
        let needs = wanted.lowercased().split(separator: ".")
        if has == needs { return true }
        // Permissions for the directory include those for its parts.
        if ["user", "group", "organization"].contains(needs.first), has.first == "directory", has.count > 1 {
            return needs.contains("read") || has[1] != "read"
        }
        guard has.first == needs.first, has.count > 1, needs.count > 1 else { return false }
        let isEnough =
            has[1] == needs[1] || (has[1] == "readwrite" && needs[1].hasPrefix("read"))
            || (has[1] == "read" && needs[1] == "readbasic")
        return isEnough && (has.count > 2 || needs.count == 2 || needs[1] == "readbasic" && has.last == "all")
    }

    /// Returns the remedy for missing permissions.
    func remedy(_ missing: [String], on connection: Connection, in tenant: DiscoveredTenant) -> String? {
        guard !missing.isEmpty else { return nil }
        if connection.appId == SharedClient.appID {
            return "The missing permissions need the tenant's own app registration: mm connect "
                + "\(ShellWord.quoted(tenant.domain ?? tenant.id)) --name \(ShellWord.quoted(connection.name)) --app own "
                + "\(needs?.flags ?? ""). Some PowerShell modules can also sign in with their own app: mm run shows their code."
        }
        return
            "Add the missing permissions to the app registration \(connection.appId ?? "") (API permissions) and let an administrator "
            + "consent; then: mm login \(ShellWord.quoted(connection.name)) --renew"
    }

    /// The PowerShell modules that the uses need, with the install command of each.
    var moduleRows: [JSONValue] {
        modules.map { word, requirement in
            [
                "word": .string(word), "module": .string(requirement.name),
                "install": .string(requirement.installCommand),
            ]
        }
    }

    /// Returns a note about these modules.
    func moduleNote(_ connection: String) -> String {
        let names = modules.map { word, requirement in
            "\(requirement.name) (mm run \(ShellWord.quoted(connection)) \(word) …)"
        }
        return "PowerShell needs these modules for it: \(names.joined(separator: ", ")). To see what is installed: "
            + "mm doctor powershell"
    }

    private var modules: [(word: String, requirement: ModuleRequirement)] {
        var words: [String] = []
        for use in needs?.uses ?? [] {
            if let word = use.module, !words.contains(word) { words.append(word) }
        }
        return words.compactMap { word in (try? ModuleProfiles.named(word)).map { (word, $0.requirement) } }
    }
}

extension ServiceApp {
    /// Returns the resource of the connection's tokens for the service; `nil` for SharePoint where its host is unknown.
    func resource(of connection: Connection) -> ServiceResource? {
        switch self {
        case .graph: .graph
        case .exchange: .exchange
        case .sharePoint: connection.sharepointHost.map { .sharePoint($0) }
        case .teams: .teams
        case .azure: .arm
        case .flow: .flow
        case .powerApps: .powerApps
        }
    }
}

extension ConnectSteps {
    /// Creates the tenant's own app registration, if the person wants it and is allowed to.
    mutating func register(
        _ tenant: DiscoveredTenant, _ account: SignedInAccount, for connection: Connection
    ) async throws(MMError) -> Registration {
        if input.app == .shared { return .shared(notes: []) }
        let wanted = try await findNeeds().permissions
        let registrar = try registrar(connection)
        do throws(MMError) {
            let plan = try await registrar.plan(for: wanted, account)
            return try await carryOut(plan, registrar, wanted, tenant, connection)
        } catch {
            guard error.code == .forbidden else { throw error }
            return .shared(notes: steps(wanted, tenant, connection, appID: nil, why: error))
        }
    }

    /// Adds to the connection's own app only the required permissions that it lacks.
    ///
    /// An app can't change its own permissions: the person signs in once more with the shared client, whose tokens are
    /// removed when it is done.
    func extend(_ tenant: DiscoveredTenant, _ connection: Connection) async throws(MMError) -> Registration {
        let lacking = await missing(on: connection)
        guard input.app != .shared, connection.auth.method.asksPerson, !lacking.isEmpty, let appID = connection.appId,
            appID.lowercased() != SharedClient.appID
        else { return .unasked }
        var entry = connection.raw
        entry["appId"] = .string(SharedClient.appID)
        let helper = try Connection(name: connection.name, entry: entry)
        report("Sign in again to add \(ServicePermissions.lines(lacking).joined(separator: "; ")).")
        let account = try await signIn(helper)
        let registration: Registration
        do throws(MMError) {
            let registrar = try registrar(helper)
            let plan = try await registrar.plan(for: lacking, account, appID: appID)
            registration = try await carryOut(plan, registrar, lacking, tenant, connection)
        } catch {
            // A pending confirmation needs this sign-in afterwards; any other error ends it.
            guard error.code != .confirmationNeeded else { throw error }
            try await identity.forget(appOf: helper)
            guard error.code == .forbidden else { throw error }
            return .unchanged(notes: steps(lacking, tenant, connection, appID: appID, why: error))
        }
        try await identity.forget(appOf: helper)
        for service in lacking.map(\.service) {
            // Services without a token get one with the new permissions at their first use.
            if let resource = service.resource(of: connection) {
                try? await identity.renewTokens(of: connection, for: resource)
            }
        }
        return registration
    }

    private func registrar(_ connection: Connection) throws(MMError) -> AppRegistrar {
        let client = try GuardedClient(identity: identity, connection: connection)
        report("Checking the tenant's app registrations…")
        return AppRegistrar(
            watch: WriteWatch(client: client, connection: connection, requests: services, context: context))
    }

    /// Asks for confirmation of a plan and carries it out.
    private func carryOut(
        _ plan: RegistrationPlan, _ registrar: AppRegistrar, _ wanted: [(service: ServiceApp, names: [String])],
        _ tenant: DiscoveredTenant, _ connection: Connection
    ) async throws(MMError) -> Registration {
        let hasOwn = connection.appId?.lowercased() != SharedClient.appID
        func stays(_ notes: [String]) -> Registration { hasOwn ? .unchanged(notes: notes) : .shared(notes: notes) }
        let cleared: Cleared<JudgedAgain>
        do throws(MMError) {
            cleared = try await confirm(plan, registrar.client, connection)
        } catch {
            // After a declined plan the connection still exists.
            guard error.code == .denied, context.record.facts["confirmedBy"] == "refused", input.app != .own else {
                throw error
            }
            return stays([hasOwn ? "Nothing was added." : "Nothing was registered."])
        }
        do throws(AppRegistrar.Stop) {
            let (appID, unavailable) = try await registrar.carryOut(plan, by: cleared) { report($0) }
            return .app(appID, missing: plan.unavailable + unavailable)
        } catch {
            if error.error.code == .forbidden {
                return stays(done(error) + steps(wanted, tenant, connection, appID: error.appID, why: error.error))
            }
            var failure = error.error
            failure.hint =
                (done(error) + ["Run the same command again to continue.", failure.hint ?? ""])
                .filter { !$0.isEmpty }.joined(separator: " ")
            throw failure
        }
    }

    /// Shows the plan to a person and waits for their confirmation, which is always required.
    private func confirm(
        _ plan: RegistrationPlan, _ client: GuardedClient, _ connection: Connection
    ) async throws(MMError) -> Cleared<JudgedAgain> {
        let guarding = services.guarding
        // The policy of the entry is for later calls of the connection; its setup is the owner's decision.
        let policy: GuardPolicy = context.call.readsOnly ? GuardPolicy(.readonly) : .standard
        let act = JudgedAgain(guarding: guarding, policy: policy, name: "the plan")
        guard let verdict = try plan.verdict(client, try guarding.guards.engine(), policy) else {
            return .nothing(act)
        }
        context.record.note("requests", .array(plan.steps.map { .string("\($0.method) \($0.endpoint)") }))
        var request = ConfirmationRequest(
            on: connection, module: "graph-api", title: plan.title, text: plan.text, verdict: verdict)
        request.exact = plan.exactText
        return try await Clearance(act, request).settle(in: context, with: guarding)
    }

    private func done(_ stop: AppRegistrar.Stop) -> [String] {
        guard !stop.done.isEmpty else { return [] }
        return ["Done so far and kept: " + stop.done.joined(separator: " ")]
    }

    /// Returns the steps with which an administrator achieves the same.
    private func steps(
        _ wanted: [(service: ServiceApp, names: [String])], _ tenant: DiscoveredTenant, _ connection: Connection,
        appID: String?, why: MMError
    ) -> [String] {
        var notes = ["The account may not register apps or grant permissions: \(why.message)"]
        let permissions = ServicePermissions.lines(wanted).map { "     \($0)" }.joined(separator: "\n")
        let name = ShellWord.quoted(connection.name)
        if let appID, appID == connection.appId {
            let graph = wanted.first { $0.service == .graph }?.names ?? []
            let link = ConsentPlace(connection, cloud: tenant.cloud).consentLink(to: graph) ?? ""
            notes.append(
                "Ask an administrator of the tenant to add this to the app \(appID) (API permissions, delegated) and to consent:\n"
                    + permissions
                    + (graph.isEmpty ? "" : "\nor to consent to the Graph permissions on this page:\n  \(link)")
                    + "\nThen: mm login \(name) --renew")
            return notes
        }
        if let appID {
            notes.append(
                "Ask an administrator of the tenant to consent to the app \(appID) on this page:\n"
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

extension ConnectSteps {
    /// Signs in. If that fails, the entry is removed if this run has written it, unless the sign-in only waits for the
    /// person.
    func signInOrWithdraw(_ connection: Connection) async throws(MMError) -> SignedInAccount {
        do throws(MMError) {
            return try await signIn(connection)
        } catch {
            guard isNew, error.code != .signInNeeded else { throw error }
            await withdraw(connection)
            throw error
        }
    }

    /// Removes an entry for which the sign-in failed. If that fails too, the entry stays and shows what is left.
    private func withdraw(_ connection: Connection) async {
        let removal = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.remove(connection.name, from: &document)
        }
        do throws(MMError) {
            try await identity.signOut(named: connection.name, forgettingAccount: true)
            try await registry.editWhenFree(removal)
        } catch {
            report("The connection \(connection.name) could not be removed again: \(error.message)")
        }
    }

    /// Signs in with an app that may have just been registered, so that the sign-in service may not know it yet.
    func signInToNewApp(_ connection: Connection) async throws(MMError) -> SignedInAccount {
        for wait in [3, 6, 12, 24] {
            do throws(MMError) {
                return try await signIn(connection)
            } catch {
                guard let code = error.details["aadsts"]?.int, [700_016, 65_001, 7_000_218].contains(code) else {
                    throw error
                }
                report("Waiting until the new app is available…")
                do { try await Task.sleep(for: .seconds(wait)) } catch {
                    throw MMError(.cancelled, "The sign-in of \(connection.name) was cancelled.")
                }
            }
        }
        return try await signIn(connection)
    }

    /// Signs in: in a browser if there is one, otherwise with a device code; the other way if a policy refuses the
    /// first.
    func signIn(_ connection: Connection) async throws(MMError) -> SignedInAccount {
        guard context.call.waitsForSignIn, let person = context.call.person else {
            switch try await identity.continueSignIn(connection, deadline: context.deadline) {
            case .signedIn(let account): return account
            case .waiting(let prompt):
                var error = prompt.error(now: .now)
                error.hint = "Approve it in a browser, then run the same command again to continue."
                throw error
            }
        }
        let first = input.method ?? (identity.hasBrowser ? .browser : nil)
        // Device codes and sign-in pages have their own expiry; the call's deadline is for requests.
        do throws(MMError) {
            return try await identity.signIn(
                to: connection, by: first, telling: { await person.showSignIn($0.details) })
        } catch {
            guard input.method == nil, error.details["nextWay"] == "browser" else { throw error }
            report("A policy of the tenant refuses device codes; opening a browser on this machine…")
            return try await identity.signIn(
                to: connection, by: .browser, telling: { await person.showSignIn($0.details) })
        }
    }

    /// Returns the working connection with the signed-in account.
    func answer(
        _ tenant: DiscoveredTenant, _ connection: Connection, _ account: SignedInAccount, _ registration: Registration
    ) async throws(MMError) -> OperationAnswer {
        let client = try GuardedClient(identity: identity, connection: connection)
        let target = try client.target("/me", query: [("$select", "id,displayName,userPrincipalName,mail,jobTitle")])
        var me =
            try await client.read(GraphRequest(target: target), deadline: .after(.seconds(60))).json().object ?? [:]
        me.remove("@odata.context")
        var answer: JSONObject = [
            "connection": .string(connection.name), "tenant": .string(tenant.domain ?? tenant.id),
            "tenantId": .string(tenant.id), "cloud": .string(tenant.cloud.name),
            "app": connection.appId == SharedClient.appID ? "shared" : "own",
            "appId": connection.appId.map { .string($0) } ?? .null, "account": .string(account.title),
            "me": .object(me),
        ]
        var notes: [String] = []
        var lacking = ServicePermissions.lines(await missing(on: connection))
        if case .unchanged(let more) = registration { notes += more }
        if let remedy = remedy(lacking, on: connection, in: tenant) { notes.append(remedy) }
        switch registration {
        case .unasked, .unchanged: break
        case .app(_, let missing):
            if !missing.isEmpty {
                lacking += missing
                notes.append("The tenant's services don't offer: \(missing.joined(separator: ", ")).")
            }
        case .shared(let more):
            notes += more
            notes.append(
                "It signs in as \(SharedClient.title), which can read the directory. Mail, files, Exchange and most changes "
                    + "need the tenant's own app registration.")
        }
        let uses = ConnectionUse.named(in: connection)
        if !uses.isEmpty { answer["uses"] = .array(uses.map { .string($0.rawValue) }) }
        if needs != nil || !lacking.isEmpty { answer["missing"] = .array(lacking.map { .string($0) }) }
        if !moduleRows.isEmpty {
            answer["modules"] = .array(moduleRows)
            notes.append(moduleNote(connection.name))
        }
        notes.append("Next: mm graph \(ShellWord.quoted(connection.name)) /users --top 5")
        var result = OperationAnswer(
            .value(.object(answer)), notes: notes,
            text: Self.sentence(connection, tenant, me["displayName"]?.string, account, uses, lacking))
        result.connection = connection.name
        return result
    }

    /// Returns the result in a sentence.
    private static func sentence(
        _ connection: Connection, _ tenant: DiscoveredTenant, _ name: String?, _ account: SignedInAccount,
        _ uses: [ConnectionUse], _ lacking: [String]
    ) -> String {
        let who = name.map { "\($0) (\(account.title))" } ?? account.title
        let app = connection.appId == SharedClient.appID ? SharedClient.title : "the tenant's own app"
        let purposes = uses.isEmpty ? "" : ", for \(uses.map(\.rawValue).joined(separator: ", "))"
        let rest = lacking.isEmpty ? "" : "\nMissing: \(lacking.joined(separator: "; "))."
        return
            "\(connection.name) is connected: \(who) signs in to \(tenant.domain ?? tenant.id) with \(app)\(purposes).\(rest)"
    }
}
