/// A cmdlet's description for people.
package struct ExchangeCmdletDescription: Sendable {
    /// A parameter.
    package struct Parameter: Sendable {
        /// The parameter's name.
        package let name: String
        /// The parameter's type at the service.
        package let type: String
        /// The parameter's other names.
        package let aliases: [String]
        /// Whether the parameter is a switch.
        package let isSwitch: Bool
        /// Whether the parameter can be given by position.
        package let isPositional: Bool
        /// Whether the parameter accepts pipeline objects.
        package let takesPipeline: Bool
    }

    /// The cmdlet's name in its proper spelling.
    package let name: String
    /// The cmdlet's parameters in the order of the documentation.
    package let parameters: [Parameter]
    /// Whether the cmdlet supports `-WhatIf`.
    package let supportsWhatIf: Bool
    /// Whether the cmdlet asks for confirmation before it acts.
    package let supportsConfirm: Bool
}

extension ExchangeTable {
    /// Returns the description of a service's cmdlet; `nil` for one that the table doesn't contain.
    package func description(of name: String, in service: Service) -> ExchangeCmdletDescription? {
        guard let cmdlet = cmdlet(name, in: service) else { return nil }
        let support = service == .exo ? cmdlet.support : cmdlet.support >> 1
        var seen: Set<String> = []
        let parameters = cmdlet.parameters.filter { seen.insert($0.name.lowercased()).inserted }
        return ExchangeCmdletDescription(
            name: cmdlet.name,
            parameters: parameters.map {
                .init(
                    name: $0.name, type: $0.type, aliases: $0.aliases, isSwitch: $0.isSwitch,
                    isPositional: $0.position >= 0, takesPipeline: $0.pipeline > 0)
            }, supportsWhatIf: support & 1 != 0, supportsConfirm: support & 4 != 0)
    }
}
