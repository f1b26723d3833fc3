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
    /// The parameters it takes, besides those that every cmdlet takes.
    let parameters: Set<String>
    let isCompliance: Bool
    let run: @Sendable (inout TenantState, ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer

    init(
        _ name: String, _ need: Need, _ parameters: String, compliance: Bool = false,
        _ run: @escaping @Sendable (inout TenantState, ExchangeCall) throws(ExchangeFailure) -> ExchangeAnswer
    ) {
        self.name = name
        self.need = need
        self.parameters = Set(parameters.lowercased().split(separator: " ").map(String.init))
        isCompliance = compliance
        self.run = run
    }

    private static let common: Set<String> = ["whatif", "confirm", "resultsize", "organization"]

    /// The first parameter that the cmdlet does not take.
    func stranger(in call: ExchangeCall) -> String? {
        call.names.first { !parameters.contains($0.lowercased()) && !Self.common.contains($0.lowercased()) }
    }

    /// All of them, by name in small letters.
    static let all: [String: ExchangeCmdlet] = Dictionary(
        (mailboxes + permissions + rules + organization + compliance).map { ($0.name.lowercased(), $0) },
        uniquingKeysWith: { first, _ in first })
}
