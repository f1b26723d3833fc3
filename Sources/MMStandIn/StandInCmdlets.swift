import MMCore
import MMNative

/// The reading cmdlets of the stand-in's modules, around which the evaluator carries out the rest of a pipeline.
struct StandInCmdlets: CmdletSource {
    /// The tenant that is read from; `nil` for made-up objects.
    let tenant: (any StandInTenant)?
    /// The signed-in accounts, by module.
    let accounts: [String: StandInAccount]

    func knows(_ name: String) -> Bool { StandInReading.named(name) != nil }

    func check(_ call: CmdletCall) throws(CmdletFault) { _ = try StandInArguments(call, Self.reading(call)) }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        let reading = try Self.reading(call)
        let arguments = try StandInArguments(call, reading)
        guard let account = accounts[reading.module] else {
            guard reading.needsSignIn else { return StandInObjects([]) }
            throw Self.refusal("\(reading.name) needs a sign-in first.", id: "NotConnected")
        }
        var rows = try await rows(of: reading, account, arguments)
        if let count = arguments.count { rows = Array(rows.prefix(count)) }
        return StandInObjects(rows)
    }

    private func rows(
        of reading: StandInReading, _ account: StandInAccount, _ arguments: StandInArguments
    ) async throws(CmdletFault) -> [JSONValue] {
        switch reading.source {
        case .account(let shown): return shown(account.claims).map { .object($0) }
        case .service(let source, let count, let make):
            guard let tenant else {
                let wanted = min(arguments.count ?? count, 100_000)
                return (0..<wanted).map { .object(make($0 + 1)) }
            }
            guard let token = account.token else {
                throw Self.refusal(
                    "\(reading.name) needs the sign-in of a person on the sandbox tenant.", id: "NotInSandbox")
            }
            do throws(MMError) {
                return try await source.read(tenant, token, arguments.parameters)
            } catch {
                throw Self.refusal(error.message, id: "ServiceRefused")
            }
        }
    }

    private static func reading(_ call: CmdletCall) throws(CmdletFault) -> StandInReading {
        guard let reading = StandInReading.named(call.name) else { throw .handedOver(call.name) }
        return reading
    }

    /// An error that ends the script, as a module's own does that says how to sign in.
    private static func refusal(_ message: String, id: String) -> CmdletFault {
        .interrupted(PipelineStop(endingWith: NativeError(id, message, isReadable: true)))
    }
}

/// The objects of a reading cmdlet, all at once.
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

/// The arguments of a reading cmdlet, as far as the stand-in knows them.
struct StandInArguments: Sendable {
    /// How many objects are wanted at most; `nil` for all.
    let count: Int?
    /// What a cmdlet of Exchange is called with.
    let parameters: JSONObject

    /// Parameters of every cmdlet that change nothing here.
    private static let common: Set<String> = [
        "erroraction", "ea", "warningaction", "verbose", "debug", "progressaction",
    ]
    private static let counts: Set<String> = ["resultsize", "first", "top"]

    /// Reads the arguments of a call.
    /// - Throws: `handedOver` for a parameter that the stand-in doesn't know, which it would silently ignore.
    init(_ call: CmdletCall, _ reading: StandInReading) throws(CmdletFault) {
        guard !call.takesInput else { throw .handedOver("objects that are piped into \(reading.name)") }
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
            if let stranger = named.keys.first { throw .handedOver("-\(stranger) of \(reading.name)") }
            if !values.isEmpty { throw .handedOver("a value of \(reading.name)") }
        }
        parameters = named
    }

    private static func json(_ value: PSValue) throws(CmdletFault) -> JSONValue {
        guard let json = value.convertedToJSON(depth: 3) else { throw .handedOver("an argument of unusual type") }
        return json
    }
}
