package import MMCore
import MMDesk
import MMGuard
import MMNative

/// A translator of cmdlets of Graph's modules into requests, by the rules by which the modules are generated: there are
/// parameters for the keys of the path and for query options, and every other parameter is a property of the body.
struct GraphBinder: Sendable {
    private let names = GraphCmdletNames()

    /// The reason why a call can't be translated.
    enum Fault: Error {
        /// The error that PowerShell itself would report.
        case refused(NativeError)
        /// A feature that only the modules support.
        case beyond(String)

        /// The same, for the engine.
        var fault: CmdletFault {
            switch self {
            case .refused(let record): .failed(record)
            case .beyond(let reason): .handedOver(reason)
            }
        }
    }

    /// A parameter, in lower case.
    struct Parameter {
        let name: String
        var aliases: [String] = []
        var isSwitch = false
    }

    /// The parameters of every cmdlet.
    static let common = [
        Parameter(name: "erroraction", aliases: ["ea"]), Parameter(name: "warningaction", aliases: ["wa"]),
        Parameter(name: "informationaction", aliases: ["infa"]), Parameter(name: "progressaction", aliases: ["proga"]),
        Parameter(name: "verbose", aliases: ["vb"], isSwitch: true),
        Parameter(name: "debug", aliases: ["db"], isSwitch: true), Parameter(name: "errorvariable", aliases: ["ev"]),
        Parameter(name: "outvariable", aliases: ["ov"]), Parameter(name: "warningvariable", aliases: ["wv"]),
        Parameter(name: "pipelinevariable", aliases: ["pv"]), Parameter(name: "outbuffer", aliases: ["ob"]),
    ]

    /// The parameters that are not properties of a body.
    private static let controls: [Parameter] =
        [
            Parameter(name: "all", isSwitch: true), Parameter(name: "top", aliases: ["limit"]),
            Parameter(name: "sort", aliases: ["orderby"]), Parameter(name: "property", aliases: ["select"]),
            Parameter(name: "expandproperty", aliases: ["expand"]), Parameter(name: "countvariable", aliases: ["cv"]),
            Parameter(name: "responseheadersvariable", aliases: ["rhv"]),
            Parameter(name: "passthru", isSwitch: true), Parameter(name: "whatif", aliases: ["wi"], isSwitch: true),
            Parameter(name: "confirm", aliases: ["cf"], isSwitch: true),
        ]
        + [
            "skip", "pagesize", "filter", "search", "consistencylevel", "headers", "inputobject", "bodyparameter",
            "additionalproperties", "outfile", "infile", "ifmatch",
        ].map { Parameter(name: $0) } + spans.map { Parameter(name: $0.lowercased()) } + common

    /// The additional query options of a calendar view, in the service's spelling.
    private static let spans = ["startDateTime", "endDateTime"]

    private static func takesSpans(_ cmdlet: String) -> Bool { cmdlet.lowercased().hasSuffix("calendarview") }

    /// The parameters of Invoke-MgGraphRequest that have a value, in the module's spelling.
    private static let requestValues = [
        "Method", "Uri", "Body", "Headers", "OutputType", "ContentType", "OutputFilePath", "InputFilePath",
        "StatusCodeVariable", "ResponseHeadersVariable", "GraphRequestSession", "SessionVariable", "Authentication",
        "Token", "UserAgent",
    ]
    /// Its switches.
    private static let requestSwitches = [
        "SkipHeaderValidation", "SkipHttpErrorCheck", "PassThru", "InferOutputFileName",
    ]

    private static let requestControls: [Parameter] =
        requestValues.map { Parameter(name: $0.lowercased()) }
        + requestSwitches.map { Parameter(name: $0.lowercased(), isSwitch: true) } + common

    /// Returns whether a name, case-insensitively, is a cmdlet whose request is known.
    func knows(_ name: String) -> Bool {
        let lower = name.lowercased()
        if Self.requestNames.contains(lower) || NativeEngine.webCommands.contains(lower)
            || TeamCmdlet(named: name) != nil
        {
            return true
        }
        return GraphCmdletNames.isForm(name) && !names.requests(of: name).isEmpty
    }

    /// Returns the names of the parameters of a cmdlet that reads, or of Invoke-MgGraphRequest; `nil` for any other.
    func parameters(of cmdlet: String) -> [String]? {
        if Self.requestNames.contains(cmdlet.lowercased()) { return Self.requestValues + Self.requestSwitches }
        let templates = names.requests(of: cmdlet)
        guard !templates.isEmpty, templates.allSatisfy({ $0.method == "GET" }) else { return nil }
        let all = templates.flatMap(\.keys).map(Self.parameter)
        var known = all.indices.filter { !all[..<$0].contains(all[$0]) }.map { all[$0] }
        known += ["Property", "ExpandProperty", "InputObject", "Headers", "ResponseHeadersVariable"]
        // A list has all options of a query.
        if templates.contains(where: { !$0.template.hasSuffix("}") && !$0.template.hasSuffix("})") }) {
            known += [
                "All", "Top", "Skip", "PageSize", "Filter", "Search", "Sort", "CountVariable", "ConsistencyLevel",
            ]
        }
        return known
    }

    /// The parameters of Invoke-RestMethod and Invoke-WebRequest. In the native engine these reach Graph with the
    /// connection's sign-in.
    private static let webControls: [Parameter] =
        requestControls.filter {
            !["outputtype", "outputfilepath", "inputfilepath", "graphrequestsession"].contains($0.name)
        }
        + [
            "outfile", "infile", "timeoutsec", "maximumretrycount", "retryintervalsec", "maximumredirection",
            "sslprotocol", "httpversion",
        ].map { Parameter(name: $0) }
        + ["usebasicparsing", "disablekeepalive", "allowunencryptedauthentication"].map {
            Parameter(name: $0, isSwitch: true)
        }

    private static let requestNames: Set<String> = ["invoke-mggraphrequest", "invoke-graphrequest"]

    /// Translates a call into its request.
    func bind(_ call: CmdletCall) throws(Fault) -> GraphCmdletCall {
        if Self.requestNames.contains(call.name.lowercased()) { return try request(call) }
        if NativeEngine.webCommands.contains(call.name.lowercased()) { return try web(call) }
        let templates = names.requests(of: call.name)
        guard let first = templates.first else { throw .beyond("the cmdlet \(call.name)") }
        var keyNames: [String] = []
        for template in templates {
            for key in template.keys where !keyNames.contains(Self.parameter(key)) {
                keyNames.append(Self.parameter(key))
            }
        }
        let hasBody = first.method != "GET" && first.method != "DELETE"
        let declared = hasBody ? Self.declared(first) : nil
        let given = try arguments(of: call, keys: keyNames, hasBody: hasBody, declared)
        var keys = given.keys
        if let input = call.input ?? given.controls["inputobject"] { try identify(input, keyNames, &keys) }
        let fitting = templates.filter { template in
            template.keys.allSatisfy { keys[Self.parameter($0).lowercased()] != nil }
        }
        guard let template = fitting.last else {
            let missing = first.keys.map(Self.parameter).filter { keys[$0.lowercased()] == nil }
            throw .refused(
                NativeError(
                    "MissingMandatoryParameter,\(call.name)",
                    "Cannot process command because of one or more missing mandatory parameters: \(missing.joined(separator: " ")).",
                    category: "InvalidArgument", command: call.name, isReadable: true))
        }
        var bound = GraphCmdletCall(cmdlet: call.name, method: template.method)
        bound.path = (template.isBeta ? "/beta" : "/v1.0") + Self.filled(template, keys)
        let type = EndpointIndex.standard.type(of: template.node)
        bound.shape = .objects(of: type ?? (template.template.hasSuffix("/getByIds") ? "directoryObject" : nil))
        try control(&bound, given.controls, call)
        if template.method != "GET", template.method != "DELETE", bound.inFile == nil {
            bound.body = try body(given, template, declared, call)
        }
        return bound
    }

    // MARK: Arguments

    /// The arguments of a call by parameter.
    private struct Given {
        var controls: [String: PSValue] = [:]
        var keys: [String: String] = [:]
        var properties: [(name: String, value: PSValue)] = []
    }

    /// Returns the name of a key's parameter: `UserId` for `user-id`.
    static func parameter(_ key: String) -> String {
        key.split { $0 == "-" || $0 == "_" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private func arguments(
        of call: CmdletCall, keys: [String], hasBody: Bool, _ declared: Declared?
    ) throws(Fault) -> Given {
        var given = Given()
        var pending: (name: String, isSwitch: Bool)?
        func put(_ name: String, _ value: PSValue) throws(Fault) {
            if keys.contains(where: { $0.lowercased() == name.lowercased() }) {
                given.keys[name.lowercased()] = try Self.text(value, name, call)
            } else if Self.controls.contains(where: { $0.name == name }) {
                given.controls[name] = value
            } else {
                given.properties.append((name, value))
            }
        }
        // A parameter of a type that the tables don't tell.
        func isUndeclared(_ name: String) -> Bool {
            let lower = name.lowercased()
            return hasBody && !keys.contains { $0.lowercased() == lower }
                && !Self.controls.contains { $0.name == lower }
                && declared?.body.namesOfAll.contains { $0.lowercased() == lower } != true
        }
        func flush() throws(Fault) {
            guard let open = pending else { return }
            pending = nil
            guard open.isSwitch || isUndeclared(open.name) else {
                throw Self.fault("MissingArgument", "Missing an argument for parameter '\(open.name)'.", call)
            }
            try put(open.name, .bool(true))
        }
        for argument in call.arguments {
            switch argument {
            case .parameter(let written, let tied, _):
                try flush()
                let name = try parameter(written, keys: keys, hasBody: hasBody, declared, call)
                if let tied {
                    try put(name, tied)
                } else {
                    let isControl = Self.controls.contains { $0.name == name && $0.isSwitch }
                    pending = (name, isControl || declared?.switches.contains(name.lowercased()) ?? false)
                }
            case .value(let value, _):
                if let open = pending, !open.isSwitch {
                    if case .bool = value, isUndeclared(open.name) {
                        throw .beyond("\(value.text) for -\(open.name) of \(call.name), which may be a switch")
                    }
                    pending = nil
                    try put(open.name, value)
                } else {
                    throw Self.fault(
                        "PositionalParameterNotFound",
                        "A positional parameter cannot be found that accepts argument '\(value.text)'.", call)
                }
            }
        }
        try flush()
        return given
    }

    /// The parameters of a cmdlet that are properties of its body.
    private struct Declared {
        let body: DeclaredBody
        let names: [String]
        /// Those that are switches, in lower case: the generator makes one of each property that is true or false.
        let switches: Set<String>
        /// Whether there are no others: the description of beta has more than the tables.
        let isWhole: Bool
    }

    private static func declared(_ request: GraphCmdletNames.Request) -> Declared? {
        let path = request.template.replacing("{", with: "").replacing("}", with: "")
        guard let target = try? RequestTarget(parsing: path, service: .graph),
            let body = DeclaredBody(request.method, target)
        else { return nil }
        return Declared(
            body: body, names: body.names, switches: Set(body.truths.map { $0.lowercased() }), isWhole: !request.isBeta)
    }

    /// Returns the full name of a parameter, which may be abbreviated to a unique prefix.
    private func parameter(
        _ written: String, keys: [String], hasBody: Bool, _ declared: Declared?, _ call: CmdletCall
    ) throws(Fault) -> String {
        let lower = written.lowercased()
        if let key = keys.first(where: { $0.lowercased() == lower }) { return key }
        let isSpan = Self.spans.contains { $0.lowercased() == lower }
        if !isSpan || Self.takesSpans(call.name),
            let own = Self.controls.first(where: { $0.name == lower || $0.aliases.contains(lower) })
        {
            return own.name
        }
        let names = declared?.names ?? []
        if let name = names.first(where: { $0.lowercased() == lower }) { return name }
        // Without a declaration, any name may be a property.
        if hasBody, declared == nil { return written }
        let near =
            Self.controls.map(\.name).filter { name in
                name.hasPrefix(lower)
                    && (Self.takesSpans(call.name) || !Self.spans.contains { $0.lowercased() == name })
            } + (keys + names).filter { $0.lowercased().hasPrefix(lower) }
        if near.count == 1, let only = near.first { return only }
        // Some cmdlets have properties of derived types as well.
        if let declared, !declared.isWhole || declared.body.namesOfAll.contains(where: { $0.lowercased() == lower }) {
            return written
        }
        throw Self.notFound(written, isAmbiguous: !near.isEmpty, call)
    }

    private static func notFound(_ written: String, isAmbiguous: Bool, _ call: CmdletCall) -> Fault {
        fault(
            isAmbiguous ? "AmbiguousParameter" : "NamedParameterNotFound",
            isAmbiguous
                ? "Parameter cannot be processed because the parameter name '\(written)' is ambiguous."
                : "A parameter cannot be found that matches parameter name '\(written)'.", call)
    }

    static func fault(_ id: String, _ message: String, _ call: CmdletCall) -> Fault {
        .refused(
            NativeError(
                "\(id),\(call.name)", message, category: "InvalidArgument", command: call.name, isReadable: true))
    }

    /// Takes missing keys from an object from the pipeline: from members with the keys' names, otherwise from its `Id`.
    private func identify(_ input: PSValue, _ names: [String], _ keys: inout [String: String]) throws(Fault) {
        func member(_ name: String) -> String? {
            switch input {
            case .object(let object): object[name].map(\.text)
            case .table(let table): table[name].map(\.text)
            default: nil
            }
        }
        for name in names where keys[name.lowercased()] == nil {
            if let value = member(name), !value.isEmpty { keys[name.lowercased()] = value }
        }
        if let first = names.first, keys[first.lowercased()] == nil, let id = member("Id"), !id.isEmpty {
            keys[first.lowercased()] = id
        }
    }

    private static func text(_ value: PSValue, _ name: String, _ call: CmdletCall) throws(Fault) -> String {
        switch value {
        case .string(let text):
            guard !text.isEmpty else { break }
            return text
        case .int, .long, .guid, .bool, .enumeration: return value.text
        case .array(let items) where items.count == 1: return try text(items[0], name, call)
        case .array(let items) where items.count > 1:
            throw fault(
                "CannotConvertArgument",
                "Cannot convert 'System.Object[]' to the type 'System.String' required by parameter '\(name)'. "
                    + "Specified method is not supported.", call)
        case .null, .nothing: break
        default: throw .beyond("a \(value.typeName) for -\(name)")
        }
        throw fault(
            "ParameterArgumentValidationErrorEmptyStringNotAllowed",
            "Cannot bind argument to parameter '\(name)' because it is an empty string.", call)
    }

    private static func filled(_ template: GraphCmdletNames.Request, _ keys: [String: String]) -> String {
        var path = template.template
        for key in template.keys {
            var value = keys[parameter(key).lowercased()] ?? ""
            // Within a quoted key, a quote is doubled.
            if path.contains("'{" + key + "}'") { value = value.replacing("'", with: "''") }
            let escaped = PercentCoding.encode(value) { PercentCoding.isQueryByte($0) && !"/?".utf8.contains($0) }
            path = path.replacing("{" + key + "}", with: escaped)
        }
        return path
    }

    // MARK: Options

    private func control(
        _ bound: inout GraphCmdletCall, _ controls: [String: PSValue], _ call: CmdletCall
    ) throws(Fault) {
        func texts(_ name: String) throws(Fault) -> String? {
            switch controls[name] {
            case nil, .null?, .nothing?: return nil
            case .array(let items)?: return items.map(\.text).joined(separator: ",")
            case .list(let list)?: return list.values.map(\.text).joined(separator: ",")
            // A script block passed to a text parameter stands for the text between its braces.
            case .block(let block)?: return block.text
            case let value?: return value.text
            }
        }
        func number(_ name: String) throws(Fault) -> Int? {
            guard let text = try texts(name) else { return nil }
            guard let number = Int(text), number >= 0 else {
                throw Self.fault(
                    "CannotConvertArgumentNoMessage",
                    "Cannot bind parameter '\(name)'. Cannot convert value \"\(text)\" to type \"System.Int32\".", call)
            }
            return number
        }
        for (name, option) in [
            ("filter", "$filter"), ("search", "$search"), ("sort", "$orderby"), ("property", "$select"),
            ("expandproperty", "$expand"),
        ] {
            if let value = try texts(name), !value.isEmpty { bound.query.append((option, value)) }
        }
        for name in Self.spans {
            switch controls[name.lowercased()] {
            case .date(let date)?: bound.query.append((name, date.asUniversal.roundTrip))
            case .some: if let text = try texts(name.lowercased()) { bound.query.append((name, text)) }
            case nil: break
            }
        }
        if let skip = try number("skip") { bound.query.append(("$skip", String(skip))) }
        bound.isWhole = controls["all"]?.isTrue ?? false
        bound.limit = try number("top")
        if let size = try number("pagesize"), bound.limit == nil { bound.query.append(("$top", String(size))) }
        if let level = try texts("consistencylevel") { bound.headers["ConsistencyLevel"] = level }
        if let name = try texts("countvariable") {
            bound.countVariable = name
            bound.query.append(("$count", "true"))
        }
        if let etag = try texts("ifmatch") { bound.headers["If-Match"] = etag }
        switch controls["headers"] {
        case nil: break
        case .table(let table)?: for (key, value) in table.pairs { bound.headers[key] = value.text }
        default: throw .beyond("unusual -Headers")
        }
        bound.errorAction = try texts("erroraction").map(ErrorAction.word)
        bound.passesThrough = controls["passthru"]?.isTrue ?? false
        bound.isPreview = controls["whatif"]?.isTrue ?? false
        bound.outFile = try texts("outfile")
        bound.inFile = try texts("infile")
        for name in ["responseheadersvariable", "errorvariable", "outvariable", "pipelinevariable"]
        where controls[name] != nil { throw .beyond("-\(name) of \(call.name)") }
        if controls["confirm"]?.isTrue ?? false { throw .beyond("-Confirm of \(call.name)") }
    }

    // MARK: Bodies

    private func body(
        _ given: Given, _ template: GraphCmdletNames.Request, _ declared: Declared?, _ call: CmdletCall
    ) throws(Fault) -> JSONValue? {
        var object = JSONObject()
        // Members that no type declares, such as attributes of the tenant's own, keep their names.
        let isNamed = !(declared?.isWhole ?? false)
        if let whole = given.controls["bodyparameter"] {
            guard case .object(let members) = try Self.json(whole, isNamed: isNamed) else {
                throw .beyond("an unusual -BodyParameter")
            }
            object = members
        }
        for (name, value) in given.properties {
            if template.template.hasSuffix("/$ref"), ["odataid", "directoryobjectid"].contains(name.lowercased()) {
                let id = try Self.text(value, name, call)
                object["@odata.id"] = .string(
                    name.lowercased() == "odataid"
                        ? id : "https://graph.microsoft.com/v1.0/directoryObjects/" + id)
                continue
            }
            object[Self.property(name)] = try Self.json(value, isNamed: isNamed)
        }
        if let more = given.controls["additionalproperties"] {
            guard case .object(let members) = try Self.json(more, isNamed: false) else {
                throw .beyond("unusual -AdditionalProperties")
            }
            for (key, value) in members { object[key] = value }
        }
        if object.isEmpty { return nil }
        return .object(declared?.body.shaped(object) ?? object)
    }

    /// Returns a property's name in the service's spelling.
    private static func property(_ name: String) -> String {
        if name.hasPrefix("@") || name.contains("@") { return name }
        return name.prefix(1).lowercased() + name.dropFirst()
    }

    /// Returns a value as JSON for a body.
    /// - Parameter isNamed: whether the members are properties of a type, whose names begin with a lower-case letter.
    static func json(_ value: PSValue, isNamed: Bool) throws(Fault) -> JSONValue {
        var walk = ValueWalk()
        return try json(value, isNamed, &walk)
    }

    private static func json(_ value: PSValue, _ isNamed: Bool, _ walk: inout ValueWalk) throws(Fault) -> JSONValue {
        guard walk.enter() else { throw .beyond("a body nested deeply") }
        defer { walk.leave() }
        switch value {
        case .table(let table):
            var object = JSONObject()
            for (key, member) in table.pairs {
                object[isNamed ? property(key) : key] = try json(member, isNamed, &walk)
            }
            return .object(object)
        case .object(let own):
            // The modules would send the name of its type.
            guard !own.isSecret else { throw .beyond("a \(value.typeName) in a body") }
            var object = JSONObject()
            for (name, member) in zip(own.shape.names, own.values) {
                if name == "AdditionalProperties" { continue }
                object[isNamed ? property(name) : name] = try json(member, isNamed, &walk)
            }
            return .object(object)
        case .array(let items):
            if let bytes = bytes(items) { return .string(Base64.text(bytes)) }
            var values: [JSONValue] = []
            for item in items { values.append(try json(item, isNamed, &walk)) }
            return .array(values)
        case .list(let list): return try json(.array(list.values), isNamed, &walk)
        case .block, .type, .typeInfo: throw .beyond("a \(value.typeName) in a body")
        default: return value.json(depth: 20)
        }
    }

    /// Returns the bytes that a list consists of, which the modules write as Base64; `nil` for other lists.
    private static func bytes(_ items: [PSValue]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for item in items {
            guard case .byte(let byte) = item else { return nil }
            bytes.append(byte)
        }
        return bytes.isEmpty ? nil : bytes
    }

    // MARK: Invoke-MgGraphRequest

    private func request(_ call: CmdletCall) throws(Fault) -> GraphCmdletCall {
        try request(try values(in: call, Self.requestControls), call)
    }

    /// Translates a call of Invoke-RestMethod or Invoke-WebRequest.
    private func web(_ call: CmdletCall) throws(Fault) -> GraphCmdletCall {
        var given = try values(in: call, Self.webControls)
        guard let uri = given["uri"]?.text.lowercased(), uri.hasPrefix("https://") || uri.hasPrefix("http://") else {
            throw .beyond("an address of \(call.name) without its scheme")
        }
        if case .table? = given["body"] { throw .beyond("a form as the body of \(call.name)") }
        if case .table(let table)? = given["headers"] {
            let kept = PSTable(isOrdered: true)
            for (key, value) in table.pairs where key.lowercased() != "authorization" { _ = kept.add(key, value) }
            given["headers"] = .table(kept)
        }
        given["outputfilepath"] = given.removeValue(forKey: "outfile")
        given["inputfilepath"] = given.removeValue(forKey: "infile")
        given["outputtype"] = .string("psobject")
        var bound = try request(given, call)
        bound.isOfWeb = true
        if ["invoke-webrequest", "iwr"].contains(call.name.lowercased()) { bound.shape = .page }
        return bound
    }

    /// Returns the values of a call, by full parameter and by position.
    static func given(
        in call: CmdletCall, _ controls: [Parameter]
    ) throws(Fault) -> (named: [String: PSValue], positional: [PSValue]) {
        var given: [String: PSValue] = [:]
        var positional: [PSValue] = []
        var pending: Parameter?
        func flush() throws(Fault) {
            guard let open = pending else { return }
            pending = nil
            guard open.isSwitch else {
                throw Self.fault("MissingArgument", "Missing an argument for parameter '\(open.name)'.", call)
            }
            given[open.name] = .bool(true)
        }
        for argument in call.arguments {
            switch argument {
            case .parameter(let written, let tied, _):
                try flush()
                let lower = written.lowercased()
                let near = controls.filter { $0.name.hasPrefix(lower) }
                let exact = controls.first { $0.name == lower || $0.aliases.contains(lower) }
                guard let found = exact ?? (near.count == 1 ? near[0] : nil) else {
                    throw notFound(written, isAmbiguous: !near.isEmpty, call)
                }
                if let tied { given[found.name] = tied } else { pending = found }
            case .value(let value, _):
                if let open = pending, !open.isSwitch {
                    given[open.name] = value
                    pending = nil
                } else {
                    try flush()
                    positional.append(value)
                }
            }
        }
        try flush()
        return (given, positional)
    }

    /// Returns the values of a web request, whose first two may go without their names.
    private func values(
        in call: CmdletCall, _ controls: [Parameter]
    ) throws(Fault) -> [String: PSValue] {
        var (given, positional) = try Self.given(in: call, controls)
        for name in ["uri", "body"] where given[name] == nil && !positional.isEmpty {
            given[name] = positional.removeFirst()
        }
        if given["body"] == nil, let input = call.input { given["body"] = input }
        return given
    }

    private func request(_ given: [String: PSValue], _ call: CmdletCall) throws(Fault) -> GraphCmdletCall {
        for name in [
            "statuscodevariable", "responseheadersvariable", "outvariable", "sessionvariable", "errorvariable", "token",
            "warningvariable", "pipelinevariable",
        ] where given[name] != nil { throw .beyond("-\(name) of \(call.name)") }
        guard let uri = given["uri"]?.text, !uri.isEmpty else {
            throw Self.fault(
                "MissingMandatoryParameter",
                "Cannot process command because of one or more missing mandatory parameters: Uri.", call)
        }
        var bound = GraphCmdletCall(cmdlet: call.name, method: (given["method"]?.text ?? "GET").uppercased())
        bound.path = Self.path(uri)
        bound.endsStatements = true
        switch given["headers"] {
        case nil, .null?: break
        case .table(let table)?:
            for (key, value) in table.pairs where key.lowercased() != "content-type" { bound.headers[key] = value.text }
        default: throw .beyond("unusual -Headers")
        }
        switch given["body"] {
        case nil, .null?: break
        case .string(let text)?:
            guard let json = try? JSONParser.parse(text) else { throw .beyond("a body that isn't JSON") }
            bound.body = json
        case let value?: bound.body = try Self.json(value, isNamed: false)
        }
        switch (given["outputtype"]?.text ?? "hashtable").lowercased() {
        case "hashtable": bound.shape = .tables
        case "psobject": bound.shape = .plain
        case "json": bound.shape = .text
        default: throw .beyond("-OutputType \(given["outputtype"]?.text ?? "")")
        }
        bound.outFile = given["outputfilepath"]?.text
        bound.inFile = given["inputfilepath"]?.text
        if bound.inFile != nil { bound.contentType = given["contenttype"]?.text }
        bound.errorAction = (given["erroraction"]?.text).map(ErrorAction.word)
        return bound
    }

    /// Returns a complete address unchanged, and a path with a leading slash.
    private static func path(_ uri: String) -> String {
        if uri.lowercased().hasPrefix("https://") || uri.lowercased().hasPrefix("http://") { return uri }
        return uri.hasPrefix("/") ? uri : "/" + uri
    }
}

/// The translation of a line with one cmdlet of Graph's modules, to show its request.
package enum GraphLine {
    /// Returns the request; `nil` for other cmdlets.
    /// - Throws: `invalidInput` with PowerShell's message for invalid arguments; `unsupported` for features of the
    ///   modules alone.
    package static func request(of line: String) throws(MMError) -> JSONObject? {
        guard let call = CmdletCall(line: line) else { return nil }
        let binder = GraphBinder()
        guard binder.knows(call.name) else { return nil }
        do throws(GraphBinder.Fault) { return try binder.bind(call).json } catch {
            switch error {
            case .refused(let record): throw MMError(.invalidInput, record.message, details: ["id": .string(record.id)])
            case .beyond(let reason): throw MMError(.unsupported, "\(reason): only PowerShell supports it.")
            }
        }
    }
}

/// The request of a cmdlet of Graph's modules, and how its answer is handled.
struct GraphCmdletCall: Sendable {
    /// The form of the output objects.
    enum Shape: Sendable {
        /// Objects of the class of a declared type; `nil` if the tables don't know it.
        case objects(of: String?)
        /// Hashtables, as Invoke-MgGraphRequest makes them.
        case tables
        /// Custom objects.
        case plain
        /// The text of the answer.
        case text
        /// The object that Invoke-WebRequest returns: the text with the status and the headers.
        case page
    }

    /// The cmdlet as written.
    let cmdlet: String
    /// The method, in upper case.
    var method = "GET"
    /// The path with its version, or a complete address.
    var path = ""
    /// The query options, in order.
    var query: [(name: String, value: String)] = []
    /// Additional headers.
    var headers: [String: String] = [:]
    /// The body.
    var body: JSONValue?
    /// The file whose bytes are the body.
    var inFile: String?
    /// The media type of that file; `nil` if the script names none.
    var contentType: String?
    /// Whether all pages are read.
    var isWhole = false
    /// The maximum number of objects.
    var limit: Int?
    /// The name of the variable that gets the total number of objects.
    var countVariable: String?
    /// The error action, in lower case.
    var errorAction: String?
    /// The form of the output objects.
    var shape = Shape.objects(of: nil)
    /// The file that gets the unchanged answer.
    var outFile: String?
    /// Whether an empty answer gives `$true`.
    var passesThrough = false
    /// Whether it is Invoke-RestMethod or Invoke-WebRequest.
    var isOfWeb = false
    /// Whether its errors end the statement, as those of Invoke-MgGraphRequest and Invoke-RestMethod do, and not only
    /// its own work.
    var endsStatements = false
    /// Whether the request is only shown and not sent (`-WhatIf`).
    var isPreview = false

    /// The properties that the call asks for by name, in lower case.
    var asked: Set<String> {
        let lists = query.filter { ["$select", "$expand"].contains($0.name) }.map(\.value)
        return Set(lists.joined(separator: ",").lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init))
    }

    /// Returns the request for a client.
    /// - Parameter content: the bytes of `inFile`.
    func request(at client: GuardedClient, content: [UInt8]? = nil) throws(MMError) -> GraphRequest {
        var target = try client.target(path)
        for (name, value) in query where target.queryValue(name) == nil { target = target.addingQuery(name, value) }
        if let content {
            return try GraphRequest(
                method: method, target: target, headers: headers, body: content,
                contentType: contentType ?? "application/octet-stream")
        }
        guard let body else { return try GraphRequest(method: method, target: target, headers: headers) }
        return try GraphRequest(method: method, target: target, headers: headers, json: body)
    }

    /// The request as JSON, to be shown.
    var json: JSONObject {
        var object: JSONObject = ["method": .string(method), "path": .string(path)]
        if !query.isEmpty { object["query"] = .object(JSONObject(query.map { ($0.name, .string($0.value)) })) }
        if !headers.isEmpty {
            object["headers"] = .object(JSONObject(headers.sorted { $0.key < $1.key }.map { ($0, .string($1)) }))
        }
        if let body { object["body"] = body }
        if let inFile { object["body"] = .string("the bytes of \(inFile)") }
        if isWhole { object["all"] = true }
        if let limit { object["top"] = .int(Int64(limit)) }
        return object
    }
}
