import MMCore
import MMNative

/// The reading cmdlets of the stand-in's modules; the evaluator runs the rest of their pipelines.
struct StandInCmdlets: CmdletSource {
    /// The tenant to read from; `nil` for generated objects.
    let tenant: (any StandInTenant)?
    /// The signed-in accounts, by module.
    let accounts: [String: StandInAccount]
    /// The subscription that Azure's cmdlets use.
    var subscription = StandInSubscription()
    /// Returns whether a module's cmdlets don't work because constrained language would have to load it.
    var isClosed: @Sendable (_ companion: String) -> Bool = { _ in false }
    /// The missing cmdlets, in lower case.
    var lacks: Set<String> = []

    /// The functions that replace the sign-in cmdlets, once a session has defined them.
    var signIn: SignInSource?
    /// The cmdlets that are called in other sessions; `nil` for none.
    var elsewhere: StandInElsewhere?

    func knows(_ name: String) -> Bool {
        elsewhere?.knows(name) == true || StandInReading.named(name) != nil || StandInSubscription.chooses(name)
            || signIn?.knows(name) ?? false
    }

    func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? {
        guard let signIn, signIn.knows(call.name) else { return nil }
        return try signIn.immediateOutput(call)
    }

    func check(_ call: CmdletCall) throws(CmdletFault) {
        if let signIn, signIn.knows(call.name) { return }
        if elsewhere?.knows(call.name) == true { return }
        guard !StandInSubscription.chooses(call.name) else { return _ = try StandInSubscription.named(in: call) }
        _ = try StandInArguments(call, Self.reading(call))
    }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        if let elsewhere, elsewhere.knows(call.name) { return StandInObjects(try await elsewhere.rows(of: call)) }
        guard !StandInSubscription.chooses(call.name) else { return try await choose(call) }
        let reading = try Self.reading(call)
        guard !lacks.contains(reading.name.lowercased()) else {
            throw Self.refusal(StandInHost.notRecognized(reading.name), id: "CommandNotFoundException")
        }
        if let companion = reading.companion, isClosed(companion) {
            throw Self.refusal(
                "Cannot invoke method. Method invocation is supported only on core types in this language mode.",
                id: "MethodInvocationNotSupportedInConstrainedLanguage")
        }
        let arguments = try StandInArguments(call, reading)
        guard let account = accounts[reading.module] else {
            guard reading.needsSignIn else { return StandInObjects([]) }
            let connect = StandInModule.named(reading.module)?.connect.cmdlet ?? "the module's connect cmdlet"
            throw Self.refusal("\(reading.name) needs a sign-in first: run \(connect).", id: "NotConnected")
        }
        var rows = try await rows(of: reading, account, arguments)
        if let count = arguments.count { rows = Array(rows.prefix(count)) }
        return StandInObjects(rows)
    }

    /// Runs `Set-AzContext` or its alias: chooses a subscription and outputs the context.
    private func choose(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        guard let account = accounts["azure"], let reading = StandInReading.named("Get-AzSubscription") else {
            throw Self.refusal("Run Connect-AzAccount to login.", id: "NotConnected")
        }
        let all = try await rows(of: reading, account, StandInArguments.none)
        guard let chosen = subscription.choose(try StandInSubscription.named(in: call), among: all) else {
            throw Self.refusal(
                "Please provide a valid tenant or a valid subscription.",
                id: "Microsoft.Azure.Commands.Profile.SetAzureRMContextCommand")
        }
        return StandInObjects([.object(StandInReading.context(account.claims, chosen))])
    }

    /// Returns whether the service of a connection doesn't report that it runs.
    private func isBroken(_ reading: StandInReading, _ account: StandInAccount) async -> Bool {
        guard let path = reading.asks, let tenant, account.has(.main) else { return false }
        let answer = try? await account.sending { (token) async throws(MMError) in
            try await tenant.rows(of: path, body: nil, token: token)
        }
        return answer?.first?["PropertyValue"]?.string != "Running"
    }

    private func rows(
        of reading: StandInReading, _ account: StandInAccount, _ arguments: StandInArguments
    ) async throws(CmdletFault) -> [JSONValue] {
        switch reading.source {
        case .account(let shown):
            let isBroken = await isBroken(reading, account)
            return shown(account.claims).map { row in
                var row = row
                if isBroken { row["State"] = "Broken" }
                return .object(row)
            }
        case .teams(let kind):
            guard let tenant, account.has(.administration) else { return kind.rows }
            return try await Self.asked(reading) { () async throws(MMError) in
                try await account.sending(for: .administration) { (token) async throws(MMError) in
                    try await tenant.rows(
                        of: "/Skype.Policy/configurations/\(kind.type)", body: nil, token: token)
                }
            }
        case .made(let rows): return rows
        case .fails(let message): throw Self.refusal(message, id: "ServiceRefused")
        case .vault: return try await secrets(account, arguments, reading)
        case .context: return [.object(StandInReading.context(account.claims, subscription.current))]
        case .service(let source, let count, let make):
            guard let tenant else {
                let wanted = min(arguments.count ?? count, 100_000)
                return (0..<wanted).map { .object(make($0 + 1)) }
            }
            guard account.has(.main) else {
                throw Self.refusal(
                    "\(reading.name) needs the sign-in of a person on the sandbox tenant.", id: "NotInSandbox")
            }
            return try await Self.asked(reading) { () async throws(MMError) in
                try await account.sending { (token) async throws(MMError) in
                    try await source.read(
                        tenant, token, arguments.parameters, subscription: subscription.current?["Id"]?.string)
                }
            }
        }
    }

    /// Returns a service's answer; its refusal ends the script.
    private static func asked(
        _ reading: StandInReading, _ work: @escaping @Sendable () async throws(MMError) -> [JSONValue]
    ) async throws(CmdletFault) -> [JSONValue] {
        do throws(MMError) {
            // An unstructured task isn't cancelled by a stop.
            return reading.heedsStops ? try await work() : try await Task { await Result(catching: work) }.value.get()
        } catch {
            throw refusal(error.message, id: "ServiceRefused")
        }
    }

    /// Runs `Get-AzKeyVaultSecret`: returns names, or one secret whose value stays hidden.
    private func secrets(
        _ account: StandInAccount, _ arguments: StandInArguments, _ reading: StandInReading
    ) async throws(CmdletFault) -> [JSONValue] {
        guard let vault = arguments.parameters["vaultname"]?.string else {
            throw .handedOver("a secret without its vault")
        }
        guard let tenant, account.has(.vault) else {
            throw Self.refusal("AKV10000: Request is missing a Bearer or PoP token.", id: "ServiceRefused")
        }
        let name = arguments.parameters["name"]?.string
        let rows = try await Self.asked(reading) { () async throws(MMError) in
            try await account.sending(for: .vault) { (token) async throws(MMError) in
                try await StandInRows.secrets(of: vault, named: name).read(tenant, token)
            }
        }
        return rows.map { row in
            var shown = row.object ?? [:]
            let parts = shown["Id"]?.string?.split(separator: "/").map(String.init) ?? []
            shown["VaultName"] = .string(vault)
            shown["Name"] = parts.count > 3 ? .string(parts[3]) : .null
            if name != nil { shown["SecretValue"] = "System.Security.SecureString" }
            return .object(shown)
        }
    }

    private static func reading(_ call: CmdletCall) throws(CmdletFault) -> StandInReading {
        guard let reading = StandInReading.named(call.name) else { throw .handedOver(call.name) }
        return reading
    }

    /// Returns an error that ends the script, like a module's error that tells how to sign in.
    private static func refusal(_ message: String, id: String) -> CmdletFault {
        .interrupted(PipelineStop(endingWith: NativeError(id, message, isReadable: true)))
    }
}

/// The objects of a reading cmdlet, delivered all at once.
private struct StandInObjects: CmdletRows {
    private var waiting: CmdletBatch?

    init(_ rows: [JSONValue]) {
        var reader = ExchangeRowReader()
        waiting = CmdletBatch(rows.compactMap { reader.object(JSONWriter.bytes($0)[...]) })
    }

    mutating func next() -> CmdletBatch? {
        defer { waiting = nil }
        return waiting
    }
}

/// The arguments of a reading cmdlet that the stand-in knows.
struct StandInArguments: Sendable {
    /// The maximum number of objects; `nil` for all.
    let count: Int?
    /// The parameters for a cmdlet of Exchange.
    let parameters: JSONObject

    /// An empty list of arguments.
    static let none = StandInArguments()

    private init() {
        count = nil
        parameters = [:]
    }

    /// The common parameters that have no effect here.
    private static let common: Set<String> = [
        "erroraction", "ea", "warningaction", "verbose", "debug", "progressaction",
    ]
    private static let counts: Set<String> = ["resultsize", "first", "top"]

    /// Reads the arguments of a call.
    /// - Throws: `handedOver` for a parameter that the stand-in doesn't know, which it would silently ignore.
    init(_ call: CmdletCall, _ reading: StandInReading) throws(CmdletFault) {
        guard !call.takesInput || reading.takesInput else {
            throw .handedOver("objects that are piped into \(reading.name)")
        }
        var named = JSONObject()
        var values: [JSONValue] = []
        var open: String?
        for argument in call.arguments {
            switch argument {
            case .parameter(let name, let value, _):
                named[name.lowercased()] = try value.map { (value) throws(CmdletFault) in try Self.json(value) } ?? true
                open = value == nil ? name.lowercased() : nil
            case .value(let value, _):
                if let name = open { named[name] = try Self.json(value) } else { values.append(try Self.json(value)) }
                open = nil
            }
        }
        for name in Self.common.union(reading.ignored) { named[name] = nil }
        count = Self.counts.lazy.compactMap { named[$0]?.int }.first
        if let cmdlet = reading.exchangeCmdlet {
            if let identity = values.first { named["Identity"] = identity }
            guard values.count <= 1 else { throw .handedOver("the second value of \(cmdlet)") }
        } else {
            for name in Self.counts.union(["all"]) { named[name] = nil }
            let known = reading.takes.map { $0.lowercased() }
            if let stranger = named.keys.first(where: { !known.contains($0) }) {
                throw .handedOver("-\(stranger) of \(reading.name)")
            }
            let free = known.filter { named[$0] == nil }
            guard values.count <= free.count else { throw .handedOver("a value of \(reading.name)") }
            for (name, value) in zip(free, values) { named[name] = value }
        }
        parameters = named
    }

    private static func json(_ value: PSValue) throws(CmdletFault) -> JSONValue {
        guard let json = value.convertedToJSON(depth: 3) else { throw .handedOver("an argument of unusual type") }
        return json
    }
}
