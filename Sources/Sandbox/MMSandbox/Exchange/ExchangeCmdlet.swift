internal import MMCore

/// A cmdlet that the sandbox runs.
struct ExchangeCmdlet: Sendable {
    /// Who may run it.
    enum Need: Sendable {
        /// Anybody, on the own mailbox.
        case own
        /// A role that sees everything.
        case reading
        /// A role that manages Exchange.
        case managing
    }

    let name: String
    let need: Need
    /// The parameters it takes, besides those that every cmdlet takes, and what each takes.
    let parameters: [String: ExchangeParameter]
    let isCompliance: Bool
    let run: @Sendable (ExchangeOrganization, ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer

    init(
        _ name: String, _ need: Need, _ parameters: String, compliance: Bool = false,
        _ run: @escaping @Sendable (ExchangeOrganization, ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer
    ) {
        self.name = name
        self.need = need
        var declared: [String: ExchangeParameter] = [:]
        for word in parameters.split(separator: " ") {
            let parts = word.split(separator: ":", maxSplits: 1)
            declared[parts[0].lowercased()] = ExchangeParameter(parts.count > 1 ? parts[1] : "")
        }
        self.parameters = declared
        isCompliance = compliance
        self.run = run
    }

    init(
        _ name: String, _ need: Need, _ parameters: String,
        _ method: @escaping @Sendable (ExchangeOrganization) -> (ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer
    ) {
        self.init(name, need, parameters) { (organization, call) throws(ExchangeFailure) in
            try method(organization)(call)
        }
    }

    private static let common: [String: ExchangeParameter] = [
        "whatif": .flag, "confirm": .flag, "resultsize": .any, "organization": .any,
    ]

    /// Checks the parameters of a call.
    /// - Throws: what the service says to one that the cmdlet doesn't take, or to a value of another type.
    func check(_ call: ExchangeCall) throws(ExchangeFailure) {
        for given in call.names {
            guard let parameter = parameters[given.lowercased()] ?? Self.common[given.lowercased()] else {
                throw .unknownParameter(given, name)
            }
            try parameter.check(call.raw(given) ?? .null, of: given)
        }
    }

    /// A parameter's value as it is kept.
    func value(_ name: String, in call: ExchangeCall) -> JSONValue {
        (parameters[name.lowercased()] ?? .any).value(call.raw(name) ?? .null)
    }

    /// All of them, by name in small letters.
    static let all: [String: ExchangeCmdlet] = Dictionary(
        [
            mailboxes, permissions, folderPermissions, rules, groups, organization, settings, compliance, protection,
        ].joined().map {
            ($0.name.lowercased(), $0)
        },
        uniquingKeysWith: { first, _ in first })
}
