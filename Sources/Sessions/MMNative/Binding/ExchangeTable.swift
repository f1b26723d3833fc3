import CExchangeTables
import MMCore

/// The known cmdlets of Exchange Online and of Security & Compliance.
package struct ExchangeTable: Sendable {
    /// The endpoint that runs a cmdlet.
    package enum Service: String, Sendable {
        /// Exchange Online.
        case exo
        /// Security & Compliance.
        case scc

        var mask: Int { self == .exo ? 1 : 2 }
    }

    /// A cmdlet's parameter in some of its parameter sets.
    struct Parameter: Sendable {
        let name: String
        let type: String
        let isSwitch: Bool
        let isList: Bool
        var position: Int
        let aliases: [String]
        /// How the parameter accepts pipeline input: 1 the object itself, 2 its property of the same name, 3 both, 4
        /// one of them, where the documentation doesn't say which.
        let pipeline: Int
        let sets: Int
        let required: Int

        /// Whether the parameter's type certainly holds a single value.
        var isSingle: Bool {
            !isList && (["String", "Guid", "Boolean", "Int32"].contains(type) || type.hasSuffix("IdParameter"))
        }
    }

    /// A cmdlet.
    struct Cmdlet: Sendable {
        let name: String
        let support: Int
        let setCount: Int
        let defaultSet: Int
        let parameters: [Parameter]
    }

    private let rows: [String: JSONValue]
    private let parameters: [JSONValue]
    private let types: [JSONValue]
    /// The names of each common parameter: its name, then its aliases.
    let common: [[String]]

    /// The table built into the program.
    package static let standard: ExchangeTable = {
        let table = cexchange_cmdlets()
        let bytes = UnsafeRawBufferPointer(start: table.bytes, count: table.length)
        return ExchangeTable((try? JSONParser.parse(bytes)) ?? .null)
    }()

    init(_ json: JSONValue) {
        var rows: [String: JSONValue] = [:]
        for row in json["cmdlets"]?.array ?? [] {
            if let name = row[0]?.string { rows[name.lowercased()] = row }
        }
        self.rows = rows
        parameters = json["parameters"]?.array ?? []
        types = json["types"]?.array ?? []
        common = (json["commonParameters"]?.array ?? []).map { $0.array?.prefix(2).compactMap(\.string) ?? [] }
    }

    /// Returns the names of all cmdlets of a service.
    package func names(of service: Service) -> [String] {
        rows.values.filter { ($0[1]?.int ?? 0) & service.mask != 0 }.compactMap { $0[0]?.string }
    }

    /// Returns whether a service has a cmdlet with this name, ignoring case.
    package func knows(_ name: String, in service: Service) -> Bool {
        (rows[name.lowercased()]?[1]?.int ?? 0) & service.mask != 0
    }

    /// Returns whether a service's cmdlet has a parameter of this name.
    package func takes(_ parameter: String, by cmdlet: String, in service: Service) -> Bool {
        self.cmdlet(cmdlet, in: service)?.parameters.contains { $0.name.lowercased() == parameter.lowercased() }
            ?? false
    }

    /// Returns the names of the parameters of a service's cmdlet, in the order of the table; `nil` for an unknown one.
    package func parameters(of cmdlet: String, in service: Service) -> [String]? {
        self.cmdlet(cmdlet, in: service)?.parameters.map(\.name)
    }

    /// Returns a cmdlet of a service.
    func cmdlet(_ name: String, in service: Service) -> Cmdlet? {
        guard let row = rows[name.lowercased()], let shown = row[0]?.string, let services = row[1]?.int,
            services & service.mask != 0
        else { return nil }
        var own: [Parameter] = []
        for entry in row[5]?.array ?? [] {
            guard let index = entry.int ?? entry[0]?.int, parameters.indices.contains(index),
                (entry[3]?.int ?? services) & service.mask != 0, let name = parameters[index][0]?.string
            else { continue }
            let fields = parameters[index]
            let type = fields[1]?.int.flatMap { types.indices.contains($0) ? types[$0].string : nil } ?? ""
            let flags = fields[2]?.int ?? 0
            own.append(
                Parameter(
                    name: name, type: type, isSwitch: flags & 1 != 0, isList: flags & 2 != 0,
                    position: fields[3]?.int ?? -1, aliases: fields[5]?.array?.compactMap(\.string) ?? [],
                    pipeline: fields[4]?.int ?? 0, sets: entry[1]?.int ?? 0, required: entry[2]?.int ?? 0))
        }
        // Functions that declare no positions accept all parameters except switches in declaration order.
        if own.allSatisfy({ $0.position < 0 }) {
            for place in own.indices where !own[place].isSwitch { own[place].position = place }
        }
        return Cmdlet(
            name: shown, support: row[2]?.int ?? 0, setCount: max(1, row[3]?.array?.count ?? 0),
            defaultSet: row[4]?.int ?? -1, parameters: own)
    }
}

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
