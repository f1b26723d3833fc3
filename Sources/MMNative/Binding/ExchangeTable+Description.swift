/// A cmdlet as people read about it.
package struct ExchangeCmdletDescription: Sendable {
    /// A parameter.
    package struct Parameter: Sendable {
        /// Its name.
        package let name: String
        /// The service's type.
        package let type: String
        /// Other names.
        package let aliases: [String]
        /// Whether it is a switch.
        package let isSwitch: Bool
        /// Whether it can be given by its place.
        package let isPositional: Bool
        /// Whether it takes objects of a pipeline.
        package let takesPipeline: Bool
    }

    /// The cmdlet's own spelling.
    package let name: String
    /// Its parameters, in the order of the documentation.
    package let parameters: [Parameter]
    /// Whether it can say what it would do.
    package let supportsWhatIf: Bool
    /// Whether it would ask before it acts.
    package let supportsConfirm: Bool
}

extension ExchangeTable {
    /// A cmdlet of a service; `nil` when the table doesn't know it.
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

    /// What may follow a command line that is being written: cmdlets, or parameters of the last cmdlet before a dash.
    package func completions(of line: String, in services: [Service]) -> [String] {
        let start = line.drop { $0 == "'" || $0 == "\"" || $0 == "(" || $0 == " " }
        let segment = start.split(separator: "|", omittingEmptySubsequences: false).last ?? ""
        var words = segment.split(separator: " ").map(String.init)
        let typed = segment.hasSuffix(" ") || segment.isEmpty ? "" : words.popLast() ?? ""
        guard let cmdlet = words.first else {
            let wanted = typed.lowercased()
            let known = Set(services.flatMap { service in self.names(of: service) })
            return known.filter { $0.lowercased().hasPrefix(wanted) }.sorted()
        }
        guard typed.hasPrefix("-") else { return [] }
        let wanted = typed.dropFirst().lowercased()
        let found = services.lazy.compactMap { self.description(of: cmdlet, in: $0) }.first
        var options = found?.parameters.map(\.name) ?? []
        if found?.supportsWhatIf == true { options.append("WhatIf") }
        if found?.supportsConfirm == true { options.append("Confirm") }
        return options.filter { $0.lowercased().hasPrefix(wanted) }.sorted().map { "-" + $0 }
    }
}
