import MMCore
import MMGraph
import MMIdentity

/// The steps of `connect`, with what is asked on the way.
struct ConnectSteps {
    let input: ConnectInput
    let context: OperationContext
    let services: RequestServices
    /// Whether this run wrote the entry.
    private(set) var isNew = false
    private(set) var notes: [String] = []

    init(input: ConnectInput, context: OperationContext, services: RequestServices) {
        self.input = input
        self.context = context
        self.services = services
    }

    var registry: ConnectionRegistry { services.guarding.registry }
    var identity: IdentityService { services.identity }

    // MARK: Questions

    /// Asks the person for what can't be found out.
    /// - Throws: `.invalidInput` that names the flag, where nobody can be asked.
    func ask(_ question: String, instead flag: String, _ why: String) async throws(MMError) -> String {
        if let person = context.call.person, person.canBeAsked, let answer = try await person.answer(to: question) {
            return answer
        }
        throw MMError(
            .invalidInput, "\(why) Nobody is here to be asked.",
            hint: "Give it as \(flag), or run `mm connect` in a terminal.",
            details: ["field": .string(String(flag.prefix { $0 != " " }.drop { $0 == "-" }))])
    }

    // MARK: The tenant

    func findTenant() async throws(MMError) -> DiscoveredTenant {
        let named: String
        if let given = input.tenant {
            named = given
        } else {
            named = try await ask(
                "Which organisation (a domain such as contoso.com, or your address): ", instead: "mm connect DOMAIN",
                "Which tenant to connect was not said.")
        }
        let domain = named.split(separator: "@", omittingEmptySubsequences: false).last.map(String.init) ?? named
        report("Looking for \(domain)…")
        let found = try await identity.discover(domain, in: input.cloud, deadline: .after(.seconds(60)))
        report("Found \(found.brand ?? domain): tenant \(found.id) in the cloud \(found.cloud.name).")
        return found
    }

    // MARK: The entry

    /// The entry of the tenant: one that stands in the registry, or a new one.
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
                    "Several connections are of this tenant: \(entries.map(\.name).joined(separator: ", ")).",
                    hint: "Say which one is meant, or give a new one's name, with --name.",
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
        let taken = tenant.suggestedName.map { "There is a connection '\($0)' of another tenant." }
        let name = try await ask(
            "\(taken.map { $0 + " " } ?? "")What to call the connection: ", instead: "--name NAME",
            taken ?? "The connection needs a name, and the tenant's id alone gives none.")
        guard !snapshot.names.contains(name) else { throw Self.taken(try snapshot.connection(named: name)) }
        return name
    }

    private static func taken(_ connection: Connection) -> MMError {
        MMError(
            .conflict,
            "The connection '\(connection.name)' is of another tenant: \(connection.authorityTenant ?? "none is named").",
            hint: "Give this one another name: --name NAME.", details: ["field": "name"])
    }

    /// Asks for nothing later that nobody could answer: before anything is written or anybody signs in.
    private func checkAnswers(for appID: String?) throws(MMError) {
        guard context.call.person == nil, appID == SharedClient.appID, input.app != .shared else { return }
        let (flag, what) =
            input.app == nil
            ? ("--app own (with --uses) or --app shared", "Whether to register an app in the tenant was not said.")
            : ("--uses graph,…", "What the connection is for was not said.")
        guard input.app == nil || input.uses == nil else { return }
        throw MMError(
            .invalidInput, "\(what) Nobody is here to be asked.",
            hint: "Give it as \(flag), or run `mm connect` in a terminal.",
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
        // What a connection of this name left, one that was removed by hand for instance, is not this one's.
        try await identity.signOut(named: name, forgettingAccount: true)
        try registry.edit(addition)
        isNew = true
        return try registry.snapshot().connection(named: name)
    }

    /// The app that a new entry starts with.
    private var firstApp: String {
        if case .registered(let id) = input.app { id } else { SharedClient.appID }
    }

    /// An entry that stands there, with what it lacks.
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
                    "Change it: mm connections edit \(ShellWord.quoted(connection.name)) --app-id \(id); or give a new "
                    + "connection's name with --name.", details: ["field": "app"])
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
        try registry.edit(change)
        return try registry.snapshot().connection(named: connection.name)
    }

    /// Writes down who signed in, where the entry names nobody yet.
    func expect(_ account: SignedInAccount, on connection: Connection) async throws(MMError) -> Connection {
        guard connection.expectedEmail == nil, !account.isApp, !account.username.isEmpty else { return connection }
        return try await edit(connection, [("expectedEmail", account.username)])
    }

    /// Makes the entry sign in as another app. The tokens of the one before go first.
    func change(_ connection: Connection, to appID: String) async throws(MMError) -> Connection {
        try await identity.signOut(named: connection.name)
        return try await edit(connection, [("appId", appID)])
    }

    mutating func note(_ text: String) { notes.append(text) }

    func report(_ text: String) { context.call.progress(ProgressReport(done: 0, message: text)) }
}

extension DiscoveredTenant {
    /// Whether a connection is of this tenant.
    func isThat(of connection: Connection) -> Bool {
        let names = [connection.tenantId, connection.tenant].compactMap { $0?.lowercased() }
        let isSameSignIn = connection.cloud == cloud.name
        return isSameSignIn && (names.contains(id) || (domain.map(names.contains) ?? false))
    }

    /// A name for its connection: that of the organisation in one word, else the domain's first label.
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
