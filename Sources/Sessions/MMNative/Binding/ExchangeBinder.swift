package import MMCore
import PowerShellSyntax

/// Binds command lines of Exchange cmdlets as PowerShell does, and converts values to the service's JSON.
package struct ExchangeBinder: Sendable {
    private let table: ExchangeTable
    private let service: ExchangeTable.Service
    private let others: @Sendable (String) -> String?

    /// Creates a binder for one service.
    /// - Parameters:
    ///   - service: the service.
    ///   - table: the known cmdlets.
    ///   - others: returns the proper spelling of a cmdlet that the service has but the table doesn't.
    package init(
        service: ExchangeTable.Service, table: ExchangeTable = .standard,
        others: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.service = service
        self.table = table
        self.others = others
    }

    /// Binds a call to its cmdlet's parameters.
    package func bind(_ call: CmdletCall) throws(BindingFault) -> ExchangeCall {
        guard let cmdlet = table.cmdlet(call.name, in: service) else {
            if let spelling = others(call.name) { return try UncheckedBinding.bind(call, as: spelling) }
            let near = NearestNames.of(call.name, among: table.names(of: service)).joined(separator: ", ")
            throw BindingFault(
                "CommandNotFoundException",
                "\(service.rawValue) has no cmdlet \(call.name)." + (near.isEmpty ? "" : " Near: \(near)."))
        }
        let targets = BindableTargets(cmdlet, common: table.common, support: support(of: cmdlet))
        var result = ExchangeCall(cmdlet: cmdlet.name)
        var (bound, splatted): (Set<String>, Set<String>) = ([], [])
        var positional: [CmdletCall.Given] = []
        var sets = (1 << cmdlet.setCount) - 1
        for pair in targets.binder.pairs(call.words, takesStrangers: true) {
            var given = pair.value.flatMap { call.value(ofWord: $0) }
            guard let written = pair.written else {
                if let given { positional.append(given) }
                continue
            }
            let target = try targets.only(of: pair.candidates, written: written, cmdlet)
            let name = target.name.lowercased()
            let isSplatted = pair.word >= call.arguments.count - call.splatted
            if isSplatted, splatted.insert(name).inserted, bound.contains(name) { continue }
            guard bound.insert(name).inserted else { throw Self.boundTwice(target.name) }
            if target.isSwitch { given = CmdletCall.Given(value: .bool(try flag(given?.value, target.name))) }
            guard let given else {
                throw BindingFault(
                    "MissingArgument",
                    "Missing an argument for parameter '\(target.name)'. Specify a parameter of type '\(target.typeName)' and "
                        + "try again.", isReadable: true)
            }
            try set(target, given, &result)
            if case .own(let parameter) = target { narrow(&sets, by: parameter.name, cmdlet) }
        }
        for given in positional {
            let places = targets.binder.nextPositional(in: sets) { bound.contains(targets.all[$0].name.lowercased()) }
            let here = places.compactMap { if case .own(let parameter) = targets.all[$0] { parameter } else { nil } }
            let preferred = here.first {
                $0.sets == 0 || cmdlet.defaultSet >= 0 && $0.sets & 1 << cmdlet.defaultSet != 0
            }
            guard let chosen = preferred ?? here.first else {
                throw BindingFault(
                    "PositionalParameterNotFound",
                    "A positional parameter cannot be found that accepts argument '\(given.text ?? given.value.text)'.",
                    isReadable: true)
            }
            bound.insert(chosen.name.lowercased())
            try set(.own(chosen), given, &result)
            narrow(&sets, by: chosen.name, cmdlet)
        }
        if call.takesInput {
            guard let input = call.input else { return finished(result, cmdlet) }
            try bindInput(input, cmdlet, &sets, &bound, &result)
        }
        try checkRequired(cmdlet, bound, sets)
        return finished(result, cmdlet)
    }

    private static func boundTwice(_ name: String) -> BindingFault {
        BindingFault(
            "ParameterAlreadyBound",
            "Cannot bind parameter because parameter '\(name)' is specified more than once. To provide multiple values to "
                + "parameters that can accept multiple values, use the array syntax. For example, "
                + "\"-parameter value1,value2,value3\".", isReadable: true)
    }

    /// Returns which parameters a cmdlet supports at this service, as bits: 1 `-WhatIf`, 4 `-Confirm`.
    private func support(of cmdlet: ExchangeTable.Cmdlet) -> Int {
        service == .exo ? cmdlet.support : cmdlet.support >> 1
    }

    private func finished(_ bound: ExchangeCall, _ cmdlet: ExchangeTable.Cmdlet) -> ExchangeCall {
        var result = bound
        result.asksFirst = support(of: cmdlet) & 4 != 0
        result.takesResultSize = cmdlet.parameters.contains { $0.name == "ResultSize" }
        return result.withoutItsOwnEndpoint
    }

    /// Binds a pipeline object to the parameters that accept one: its property of the same name if there is one,
    /// otherwise the object's own text.
    private func bindInput(
        _ input: PSValue, _ cmdlet: ExchangeTable.Cmdlet, _ sets: inout Int, _ bound: inout Set<String>,
        _ result: inout ExchangeCall
    ) throws(BindingFault) {
        // Parameters of the default set come first, because the first one that is bound decides between the sets.
        let preferred = cmdlet.defaultSet >= 0 ? 1 << cmdlet.defaultSet : 0
        let isPreferred: (ExchangeTable.Parameter) -> Bool = { $0.sets == 0 || $0.sets & preferred != 0 }
        let ordered = cmdlet.parameters.filter(isPreferred) + cmdlet.parameters.filter { !isPreferred($0) }
        var isTaken = false
        for parameter in ordered where parameter.pipeline != 0 {
            guard !bound.contains(parameter.name.lowercased()), parameter.sets == 0 || parameter.sets & sets != 0 else {
                continue
            }
            let value: PSValue
            if case .object(let object) = input, object.typeName != FolderUser.typeName {
                let names = [parameter.name] + parameter.aliases
                guard parameter.pipeline != 1, let found = names.lazy.compactMap({ object[$0] }).first, !found.isNull
                else { continue }
                value = found
            } else {
                // Only one parameter can receive the object itself.
                guard !isTaken, parameter.pipeline != 2, let text = try? PSText.string(input), !text.isEmpty else {
                    continue
                }
                value = .string(text)
            }
            bound.insert(parameter.name.lowercased())
            isTaken = true
            try set(.own(parameter), CmdletCall.Given(value: value), &result)
            narrow(&sets, by: parameter.name, cmdlet)
        }
        guard !isTaken else { return }
        throw BindingFault(
            "InputObjectNotBound",
            "The input object cannot be bound to any parameters for the command either because the command does not take pipeline "
                + "input or the input and its properties do not match any of the parameters that take pipeline input.",
            isReadable: true)
    }

    private func narrow(_ sets: inout Int, by name: String, _ cmdlet: ExchangeTable.Cmdlet) {
        var mask = 0
        for parameter in cmdlet.parameters where parameter.name == name {
            if parameter.sets == 0 { return }
            mask |= parameter.sets
        }
        // Leaves it to the service to reject mixed parameter sets: the documentation isn't reliable enough.
        if sets & mask != 0 { sets &= mask }
    }

    private func checkRequired(
        _ cmdlet: ExchangeTable.Cmdlet, _ bound: Set<String>, _ sets: Int
    ) throws(BindingFault) {
        // The documentation of reading cmdlets marks parameters as required that are not.
        guard !cmdlet.name.hasPrefix("Get-") else { return }
        var missing: [String] = []
        for set in 0..<cmdlet.setCount where sets & 1 << set != 0 {
            let lacking = cmdlet.parameters.filter {
                $0.required & 1 << set != 0 && !bound.contains($0.name.lowercased())
            }
            if lacking.isEmpty { return }
            for name in lacking.map(\.name) where !missing.contains(name) { missing.append(name) }
        }
        guard !missing.isEmpty else { return }
        throw BindingFault(
            "MissingMandatoryParameter", "\(cmdlet.name) needs \(missing.prefix(5).joined(separator: " or ")).")
    }

    private func flag(_ value: PSValue?, _ name: String) throws(BindingFault) -> Bool {
        switch value {
        case nil, .null?, .nothing?: return true
        case .bool(let flag)?: return flag
        case .int(let number)?: return number != 0
        default:
            throw BindingFault(
                "CannotConvertArgument", "The switch \(name) accepts only $true or $false after a colon.")
        }
    }

    private func set(
        _ target: BindableTargets.Target, _ given: CmdletCall.Given, _ result: inout ExchangeCall
    ) throws(BindingFault) {
        switch target {
        case .should(let name): result.parameters[name] = .bool(given.value.isTrue)
        case .common(let name):
            switch (name, given.value) {
            case ("WarningAction", .string), ("WarningAction", .enumeration):
                let action = given.value.text
                result.headers[name] = action.lowercased() == "ignore" ? "SilentlyContinue" : action
            case ("ErrorAction", let action): result.errorAction = ErrorAction.word(action.text)
            case ("Debug", _), ("Verbose", _), ("InformationAction", _), ("ProgressAction", _), ("OutBuffer", _): break
            default: result.powerShellOnlyParameter = name
            }
        case .own(let parameter):
            let name = parameter.name
            if name == "UseCustomRouting" {
                result.usesCustomRouting = given.value.isTrue
                return
            }
            // What a reading cmdlet requires is not known reliably. What a pipeline could give is what the cmdlet acts
            // on.
            if parameter.required != 0 || parameter.pipeline != 0, !result.cmdlet.hasPrefix("Get-") {
                if given.value.isNull {
                    throw BindingFault(
                        "ParameterArgumentValidationErrorNullNotAllowed",
                        "Cannot bind argument to parameter '\(name)' because it is null.", isReadable: true)
                }
                if case .string("") = given.value {
                    throw BindingFault(
                        "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                        "Cannot bind argument to parameter '\(name)' because it is an empty string.", isReadable: true)
                }
            }
            let json = try ExchangeValue.json(given.value, text: given.text, for: parameter)
            result.parameters[name] = json
            if let items = json.array, !items.isEmpty, items.allSatisfy({ $0["@odata.type"] != nil }) {
                result.parameters[name + "@odata.type"] = "#Collection(Exchange.GenericHashTable)"
            }
            if name == "ResultSize" {
                let count = json.int ?? json.string.flatMap { Int($0) }
                if let count, count > 0 {
                    result.limit = count
                    result.pageSize = min(count, 1000)
                } else if json.string?.lowercased() == "unlimited" {
                    result.pageSize = 1000
                }
            }
        }
    }
}

/// The parameters that the names in a call of an Exchange cmdlet can refer to.
struct BindableTargets {
    /// One of those parameters.
    enum Target {
        case own(ExchangeTable.Parameter), common(String), should(String)

        var name: String {
            switch self {
            case .own(let parameter): parameter.name
            case .common(let name), .should(let name): name
            }
        }

        /// The .NET type by which PowerShell's errors call for a value.
        var typeName: String {
            switch self {
            case .own(let parameter):
                ["String", "Boolean", "Int32", "Guid", "Uri", "DateTime"].contains(parameter.type)
                    ? "System.\(parameter.type)" : "System.Object"
            case .common(let name):
                name.hasSuffix("Action") ? "System.Management.Automation.ActionPreference" : "System.String"
            case .should: "System.Management.Automation.SwitchParameter"
            }
        }

        var isSwitch: Bool {
            switch self {
            case .own(let parameter): parameter.isSwitch
            case .common(let name): name == "Debug" || name == "Verbose"
            case .should: true
            }
        }
    }

    let all: [Target]
    let binder: ParameterBinder

    /// Collects the parameters of a cmdlet.
    /// - Parameters:
    ///   - cmdlet: the cmdlet.
    ///   - common: the names and aliases of the common parameters.
    ///   - support: the bits 1 for `-WhatIf` and 4 for `-Confirm`.
    init(_ cmdlet: ExchangeTable.Cmdlet, common: [[String]], support: Int) {
        var others = common.map { (names: $0, target: Target.common($0.first ?? "")) }
        if support & 1 != 0 { others.append((["WhatIf", "wi"], .should("WhatIf"))) }
        if support & 4 != 0 { others.append((["Confirm", "cf"], .should("Confirm"))) }
        let own = cmdlet.parameters
        let aliases = own.map(\.aliases) + others.map { Array($0.names.dropFirst()) }
        let all = own.map(Target.own) + others.map(\.target)
        self.all = all
        // A parameter appears once for each of its positions.
        let first = own.map { one in own.firstIndex { $0.name == one.name } ?? 0 }
        binder = ParameterBinder(
            own: own.enumerated().map { index, one in
                BindableParameter(
                    isSwitch: one.isSwitch, position: one.position, sets: one.sets, identity: first[index])
            },
            common: others.enumerated().map { index, one in
                BindableParameter(isSwitch: one.target.isSwitch, position: -1, identity: own.count + index)
            }
        ) { ParameterFit($1, name: all[$0].name, aliases: aliases[$0]) }
    }

    /// Returns the only parameter that a name can refer to.
    func only(
        of candidates: [Int], written: String, _ cmdlet: ExchangeTable.Cmdlet
    ) throws(BindingFault) -> Target {
        if candidates.count == 1 { return all[candidates[0]] }
        guard let first = candidates.first else {
            let near = NearestNames.of(written, among: cmdlet.parameters.map(\.name)).joined(separator: ", ")
            throw BindingFault(
                "NamedParameterNotFound", "A parameter cannot be found that matches parameter name '\(written)'.",
                advice: "\(cmdlet.name) has no parameter \(written)." + (near.isEmpty ? "" : " Near: \(near)."),
                isReadable: true)
        }
        let ownCount = cmdlet.parameters.count
        let meant = first < ownCount ? candidates.filter { $0 < ownCount } : candidates
        throw BindingFault(
            "AmbiguousParameter",
            "Parameter cannot be processed because the parameter name '\(written)' is ambiguous. Possible matches include: "
                + "\(meant.map { "-\(all[$0].name)" }.sorted().joined(separator: " ")).", isReadable: true)
    }
}

/// Binds cmdlets that the service has but the table doesn't: names as written, values unconverted.
enum UncheckedBinding {
    private static let identity = ExchangeTable.Parameter(
        name: "Identity", type: "", isSwitch: false, isList: false, position: 0, aliases: [], pipeline: 4, sets: 0,
        required: 0)

    /// Binds a call whose parameters only the service can check.
    static func bind(_ call: CmdletCall, as spelling: String) throws(BindingFault) -> ExchangeCall {
        var result = ExchangeCall(cmdlet: spelling)
        for pair in ParameterBinder(own: [], isComplete: false, fit: { _, _ in .none }).pairs(call.words) {
            let given = pair.value.flatMap { call.value(ofWord: $0) } ?? CmdletCall.Given(value: .bool(true))
            guard pair.written != nil || !result.has("Identity") else {
                throw BindingFault(
                    "PositionalParameterNotFound",
                    "\(spelling) accepts no more positional values. Use the parameter's name.")
            }
            try set(pair.written ?? "Identity", given.value, given.text, &result)
        }
        if call.takesInput, let input = call.input, !result.has("Identity") {
            if case .object(let object) = input, let value = object["Identity"] {
                try set("Identity", value, nil, &result)
            } else if let text = try? PSText.string(input), !text.isEmpty {
                try set("Identity", .string(text), nil, &result)
            }
        }
        result.asksFirst = !spelling.lowercased().hasPrefix("get-")
        return result
    }

    private static func set(
        _ name: String, _ value: PSValue, _ text: String?, _ result: inout ExchangeCall
    ) throws(BindingFault) {
        switch name.lowercased() {
        case "erroraction", "ea":
            result.errorAction = ErrorAction.word(value.text)
            return
        case "warningaction", "wa":
            switch value {
            case .string, .enumeration: result.headers["WarningAction"] = value.text
            default: break
            }
            return
        case "verbose", "vb", "debug", "db": return
        case "outvariable", "ov", "errorvariable", "ev", "warningvariable", "wv", "pipelinevariable", "pv":
            result.powerShellOnlyParameter = name
            return
        default: break
        }
        guard !result.has(name) else {
            throw BindingFault("ParameterAlreadyBound", "The parameter \(name) is given more than once.")
        }
        result.parameters[name] = try ExchangeValue.json(value, text: text, for: identity)
        if name.lowercased() == "resultsize", case .int(let count) = value, count > 0 {
            result.limit = Int(count)
            result.pageSize = min(Int(count), 1000)
        }
    }
}

/// A cmdlet with bound parameters, ready to be sent to `InvokeCommand`.
package struct ExchangeCall: Sendable {
    /// The cmdlet's name in its proper spelling.
    package internal(set) var cmdlet: String
    /// The members of `Parameters`.
    package internal(set) var parameters = JSONObject()
    /// The headers that some parameters turn into.
    package internal(set) var headers: [String: String] = [:]
    /// The number of rows per page, when the call limits the number of rows.
    package internal(set) var pageSize: Int?
    /// The total number of rows; `nil` when unlimited or unspecified.
    package internal(set) var limit: Int?
    /// Whether `-UseCustomRouting` was given, so that the routing anchor comes from the identity.
    package internal(set) var usesCustomRouting = false

    /// The requested properties; empty for all.
    package internal(set) var properties: [String] = []
    /// Whether the cmdlet would ask for confirmation before it acts.
    package internal(set) var asksFirst = false
    /// Whether the cmdlet has a `-ResultSize`, and therefore a default limit.
    package internal(set) var takesResultSize = false
    /// The value of `-ErrorAction` in lower case.
    package internal(set) var errorAction: String?
    /// A common parameter that only PowerShell itself can implement.
    package internal(set) var powerShellOnlyParameter: String?

    init(cmdlet: String) { self.cmdlet = cmdlet }

    /// Returns whether a parameter was given, ignoring case.
    func has(_ name: String) -> Bool { parameters.keys.contains { $0.lowercased() == name.lowercased() } }

    /// The request's body.
    package var body: JSONValue {
        ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
    }
}

/// The reason why a command line can't be bound: PowerShell's error id, and a message that names the remedy.
package struct BindingFault: Error, Sendable, Hashable {
    /// PowerShell's fault id.
    package let id: String
    /// What is wrong.
    package let message: String
    /// What would be correct; `nil` if the message says it.
    package let advice: String?
    /// Whether the message is PowerShell's own, so that a script may use it.
    package let isReadable: Bool
    /// Whether only a real PowerShell can carry out the line.
    package let needsPowerShell: Bool

    init(
        _ id: String, _ message: String, advice: String? = nil, isReadable: Bool = false, needsPowerShell: Bool = false
    ) {
        self.id = id
        self.message = message
        self.advice = advice
        self.isReadable = isReadable
        self.needsPowerShell = needsPowerShell
    }

    /// The message and what would be correct.
    package var told: String { advice.map { "\(message) \($0)" } ?? message }
}

extension ExchangeCall {
    // The properties that a `Get-EXO…` cmdlet always returns; all it returns when none are requested.
    private static let minimum = [
        "ExternalDirectoryObjectId", "UserPrincipalName", "Alias", "DisplayName", "Name", "Identity", "Id",
        "PrimarySmtpAddress", "EmailAddresses", "RecipientType", "RecipientTypeDetails", "DistinguishedName", "Guid",
        "ExchangeGuid", "OrganizationId",
    ]

    /// The call of the cmdlet that a `Get-EXO…` cmdlet stands for. In the module these cmdlets have endpoints of their
    /// own.
    var withoutItsOwnEndpoint: ExchangeCall {
        guard cmdlet.lowercased().hasPrefix("get-exo") else { return self }
        var call = self
        let noun = String(cmdlet.dropFirst("get-exo".count))
        call.cmdlet = noun.lowercased() == "casmailbox" ? "Get-CASMailbox" : "Get-\(noun)"
        // The property that identifies the mailbox becomes that cmdlet's identity.
        for name in ["ExternalDirectoryObjectId", "ExchangeGuid", "UserPrincipalName", "PrimarySmtpAddress"] {
            guard let value = call.parameters.remove(name), value.string?.isEmpty != true else { continue }
            if call.parameters["Identity"] == nil { call.parameters["Identity"] = value }
        }
        call.parameters.remove("DatabaseGuid")
        let sets = call.parameters.remove("PropertySets")?.array?.compactMap(\.string) ?? []
        let asked = call.parameters.remove("Properties")?.array?.compactMap(\.string) ?? []
        call.parameters.remove("Async")
        let isListing = ["mailbox", "recipient", "casmailbox"].contains(noun.lowercased())
        guard isListing, !asked.isEmpty, sets.isEmpty, !asked.contains("*") else { return call }
        call.properties = ExchangeCall.minimum
        for name in asked where !call.properties.contains(where: { $0.lowercased() == name.lowercased() }) {
            call.properties.append(name)
        }
        return call
    }
}

/// Binds command lines one by one, for comparison with recorded requests.
package enum BindingBatch {
    /// Answers a line `{"id","line","service"}` with `{"id","body",…}` in the form of the recordings, or with
    /// `{"id","error"}`.
    package static func answer(_ line: String) throws(MMError) -> String {
        guard let json = try? JSONParser.parse(line), let written = json["line"]?.string else {
            throw MMError(
                .invalidInput, "The line is not a JSON object with a string `line`.",
                hint: #"Give one object per line: {"id":…,"line":"Get-Mailbox","service":"exo"}."#)
        }
        let name = json["service"]?.string ?? "exo"
        guard let service = ExchangeTable.Service(rawValue: name == "compliance" ? "scc" : name) else {
            throw MMError(
                .invalidInput, "There is no service “\(name.prefix(40))”.", hint: "The services are exo and scc.",
                details: ["field": "service"])
        }
        var answer = JSONObject()
        if let id = json["id"] { answer["id"] = id }
        guard let call = CmdletCall(line: written) else {
            let fault = PowerShellParser.parse(written).errors.first
            answer["error"] = .string(fault.map { "\($0.id)" } ?? "NotOneCmdlet")
            answer["message"] = "The line is not a single cmdlet whose arguments are plain values."
            return JSONWriter.string(.object(answer))
        }
        do throws(BindingFault) {
            let bound = try ExchangeBinder(service: service).bind(call)
            answer["body"] = bound.body
            if let page = bound.pageSize {
                answer["page"] = .int(Int64(page))
                answer["limit"] = bound.limit.map { .int(Int64($0)) } ?? .null
            }
            if !bound.headers.isEmpty {
                let headers = bound.headers.sorted { $0.key < $1.key }
                answer["headers"] = .object(JSONObject(headers.map { ($0.key, .string($0.value)) }))
            }
            if !bound.properties.isEmpty { answer["select"] = .array(bound.properties.map { .string($0) }) }
            let stages = BindingBatch.stages(behind: written)
            if !stages.isEmpty { answer["client"] = .array(stages.map { .string($0) }) }
        } catch {
            answer["error"] = .string(error.id)
            answer["message"] = .string(error.message)
        }
        return JSONWriter.string(.object(answer))
    }

    /// Returns the texts of the commands after the first one.
    private static func stages(behind line: String) -> [String] {
        let units = Array(line.utf16)
        guard case .pipeline(let pipeline)? = PowerShellParser.parse(utf16: units).root?.body?.statements.first else {
            return []
        }
        return pipeline.elements.dropFirst().compactMap { element in
            guard case .command(let command) = element else { return nil }
            return String(decoding: units[command.extent.start..<command.extent.end], as: UTF16.self)
        }
    }
}
