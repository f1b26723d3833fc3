import PowerShellSyntax

/// Variables of scopes and of PowerShell's own, and members whose names are computed.
extension Evaluator {
    /// Preferences that decide only what is shown, which doesn't matter without a screen.
    static let silent: Set<String> = [
        "progresspreference", "verbosepreference", "debugpreference", "informationpreference",
        "confirmpreference", "maximumhistorycount", "outputencoding", "psstyle",
        "psmoduleautoloadingpreference", "erroractionview", "errorview",
    ]

    /// The preferences among these that a script sets to be told more.
    static let remarks: Set<String> = ["verbosepreference", "debugpreference", "informationpreference"]

    /// Returns the value of `$script:name`, `$env:NAME` and the like.
    func qualified(_ path: VariablePath) throws(Interrupt) -> PSValue {
        let name = path.name.lowercased()
        switch path.qualifier {
        case .none, .variable: break
        case .local, .private: return if let known = variables.own[name] { known } else { try unset(path) }
        case .script, .global: return if let known = scriptScope[name] { known } else { try unset(path) }
        case .drive(let drive):
            guard drive.lowercased() == "env", let host else { throw .handOver("a variable of a drive") }
            return environment(path.name, of: host)
        }
        return if let known = variables[name] { known } else { try unset(path) }
    }

    /// Returns the value of a variable of the environment.
    func environment(_ name: String, of host: NativeHost) -> PSValue {
        let value = environment[name.lowercased()] ?? host.environment(name) ?? ""
        return value.isEmpty ? .null : .string(value)
    }

    /// Returns the value of a variable that the script hasn't set.
    private func unset(_ path: VariablePath) throws(Interrupt) -> PSValue {
        let name = path.name.lowercased()
        if AutomaticNames.contains(name) { return try automatic(name) ?? .null }
        if !foreignVariables.contains(name) { try refuseUnset(path.path) }
        return .null
    }

    /// Returns a variable that PowerShell itself sets; `nil` if its value isn't certain here.
    func automatic(_ name: String) throws(Interrupt) -> PSValue? {
        switch name {
        case "args": return .array(rest)
        case "pscmdlet": return cmdlet
        case "erroractionpreference": return .string("Continue")
        // A script with -WhatIf runs in another engine.
        case "whatifpreference": return host.map { _ in .bool(false) }
        case "progresspreference", "warningpreference": return .string("Continue")
        case "verbosepreference", "debugpreference", "informationpreference": return .string("SilentlyContinue")
        case "psboundparameters":
            return given.map { .table($0) } ?? host.map { _ in .table(PSTable(isOrdered: true)) }
        case "error": return host.map { _ in .list(errors) }
        case "?":
            guard host != nil else { return nil }
            guard let hasSucceeded else { throw .handOver("$? after errors within a block") }
            return .bool(hasSucceeded)
        case "this": return host.map { _ in receiver ?? .null }
        case "psversiontable":
            guard host != nil else { return nil }
            let table = PSTable(isOrdered: true)
            _ = table.add("PSVersion", .version([7, 6, 5]))
            _ = table.add("PSEdition", .string("Core"))
            _ = table.add("Platform", .string("Unix"))
            return .table(table)
        case "pshome", "profile", "home": return host.map { .string($0.environment("USERPROFILE") ?? "") }
        case "pwd": return try host.map { (host) throws(Interrupt) in try HostCommands.pathObject(host.folder.path) }
        case "psscriptroot": return host.map { .string($0.folder.root) }
        case "pscommandpath": return host.map { .string($0.scriptPath) }
        case "myinvocation": return host.map { invocation($0) }
        case "executioncontext": return try host.map { (host) throws(Interrupt) in try EngineIntrinsics.value(host) }
        case "islinux", "iscoreclr": return host.map { _ in .bool(true) }
        case "iswindows", "ismacos": return host.map { _ in .bool(false) }
        case "psedition": return host.map { _ in .string("Core") }
        case "pid": return host.map { _ in .int(1) }
        case "nestedpromptlevel": return host.map { _ in .int(0) }
        case "host": return host.map { _ in HostInterface.host }
        case "psculture", "psuiculture": return host.map { _ in .string(name == "psculture" ? "" : "en-US") }
        case Self.defaultsName:
            guard host != nil else { return nil }
            let table = PSValue.table(PSTable(isOrdered: true))
            scriptScope[name] = table
            return table
        case Self.limitName: return host.map { _ in .int(CellText.usualLimit) }
        case "lastexitcode", "stacktrace", "transcript": return host.map { _ in .null }
        default: return nil
        }
    }

    /// Returns the value of one of PowerShell's own variables for `Get-Variable`.
    func qualified(automatic name: String) throws(Interrupt) -> PSValue {
        switch name {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default: break
        }
        guard let value = try automatic(name) else { throw .handOver("the automatic variable $\(name)") }
        return value
    }

    private func invocation(_ host: NativeHost) -> PSValue {
        let name = functionName ?? host.scriptName
        let path = PSValue.string(host.scriptPath)
        var members: [(String, PSValue)] = [("Name", .string(name))]
        if functionName == nil { members += [("Path", path), ("Definition", path), ("Source", path)] }
        let command = PSObject(members, typeName: HostCommands.commandType, isCustom: false)
        let object = PSObject(
            [
                ("MyCommand", command.map { .object($0) } ?? .null), ("InvocationName", .string(name)),
                ("ScriptName", path), ("PSScriptRoot", .string(host.folder.root)), ("PSCommandPath", path),
                ("BoundParameters", .table(given ?? PSTable(isOrdered: true))),
                ("UnboundArguments", .array(rest)),
            ], typeName: "System.Management.Automation.InvocationInfo", isCustom: false)
        return object.map { .object($0) } ?? .null
    }

    /// Returns the name of a member as written or computed.
    func memberName(_ node: ExpressionSyntax) throws(Interrupt) -> String {
        if case .string(let name) = node { return name.value }
        if case .number = node { throw .handOver("a member that is a number") }
        let name = try PSText.string(try value(of: node))
        guard !name.isEmpty else { throw .handOver("a member without a name") }
        return name
    }

    /// Returns whether a value is a text, or a list with one.
    private static func hasText(_ value: PSValue) -> Bool {
        switch value.plain {
        case .string: true
        case .array(let items): items.contains { if case .string = $0 { true } else { false } }
        default: false
        }
    }

    /// Returns a property as the pipeline cmdlets read it.
    func property(_ name: String, of item: PSValue) throws(Interrupt) -> PSValue? {
        if !besideTexts.isEmpty, let noted = try note(name, beside: item) { return noted }
        if case .object(let part) = item, ExcelPackage.isPart(part) {
            return try ExcelPackage.property(part, name, host)
        }
        return try Cmdlets.property(item, name)?.withoutNothing
    }

    /// Returns the property that a text has beside its own; `nil` if it has none of that name.
    private func note(_ name: String, beside value: PSValue) throws(Interrupt) -> PSValue? {
        guard case .string(let text) = value, let noted = besideTexts[name.lowercased()]?[text] else { return nil }
        guard let noted else { throw .handOver("properties beside a value") }
        return noted
    }

    /// Returns `value.name`, including the members of a list itself.
    func member(_ name: String, of target: PSValue) throws(Interrupt) -> PSValue {
        if !besideTexts.isEmpty, besideTexts[name.lowercased()] != nil, Self.hasText(target) {
            guard case .string = target else { throw .handOver("properties beside a value") }
            return try note(name, beside: target) ?? .null
        }
        try refuseMissing(name, of: target)
        switch target {
        case .list(let list) where list.kind == .excelSheets && name.lowercased() != "count":
            var found: [PSValue] = []
            for item in list.items { found.append(try member(name, of: item)) }
            return .collapsed(found)
        case .list(let list):
            switch name.lowercased() {
            case "count": return .int(Int32(truncatingIfNeeded: list.items.count))
            case "capacity", "comparer": throw .handOver("the \(name) of a list")
            // A list has no length, unlike an array, so this returns the length of each of its elements.
            case "length":
                var lengths: [PSValue] = []
                for item in list.items { lengths.append(try Members.ownProperty(item, name) ?? .null) }
                return .collapsed(lengths).withoutNothing
            default: return try Members.property(.array(list.items), name)
            }
        case .object(let object) where object.typeName == Self.referenceType && name.lowercased() == "value":
            return try value(ofReference: object)
        // Only the short name of a generic type is certain: its full name names assemblies.
        case .typeInfo(let full) where full.contains("`"):
            guard name.lowercased() == "name" else { throw .handOver("a member of a generic type") }
            return .string(full.prefix { $0 != "[" }.split(separator: ".").last.map(String.init) ?? full)
        case .object(let part) where ExcelPackage.isPart(part): return try ExcelPackage.property(part, name, host)
        case .object(let returned) where name.lowercased() == "psobject":
            guard returned.computed.isEmpty else { throw .handOver("the properties of an object with computed ones") }
            let object = returned.whole
            let kind = returned.ownClass == nil ? "NoteProperty" : "Property"
            let properties = object.shape.names.enumerated().compactMap { index, name in
                Self.property(name, object.values[index], kind)
            }
            let view = PSObject(
                [
                    ("Properties", .array(properties)), ("BaseObject", target), ("ImmediateBaseObject", target),
                    ("TypeNames", .array(try Self.typeNames(of: object).map { .string($0) })),
                ], typeName: Self.viewType, isCustom: false)
            return view.map { .object($0) } ?? .null
        case .table(let table) where name.lowercased() == "psobject" && onlyReads && table[name] == nil:
            // The properties of a table are those of its type, not its keys.
            let properties = Self.tableProperties.compactMap { Self.property($0, .null) }
            let view = PSObject(
                [("Properties", .array(properties)), ("BaseObject", target)], typeName: Self.viewType, isCustom: false)
            return view.map { .object($0) } ?? .null
        case .table(let table):
            if name.lowercased() == "keys" || name.lowercased() == "values", table[name] == nil, host != nil,
                table.mayHaveAnyOrder
            {
                return .array(table.entries.map { name.lowercased() == "keys" ? $0.key : $0.value })
            }
            return try Members.property(target, name)
        default: return try Members.property(target.plain, name)
        }
    }

    /// The names of an object's type and, as far as they are known, of its base types.
    private static func typeNames(of object: PSObject) throws(Interrupt) -> [String] {
        if object.typeName == PSTable.entryType { return [object.typeName, "System.ValueType", "System.Object"] }
        guard object.typeName != PSTable.pairType else { throw .handOver("the types of a dictionary's entry") }
        guard object.isCustom else { return [object.typeName] }
        var names = [object.typeName]
        for name in [PSObject.customType, "System.Object"] where !names.contains(name) { names.append(name) }
        return names
    }

    /// The properties of a hashtable's type.
    private static let tableProperties = [
        "IsReadOnly", "IsFixedSize", "IsSynchronized", "Keys", "Values", "SyncRoot", "Count",
    ]

    /// Returns the property with a name among those of an object; `nil` for any other list.
    static func property(_ name: String, among items: [PSValue]) -> PSValue? {
        guard case .object(let first)? = items.first, first.shape.names == propertyMembers else { return nil }
        return items.first {
            if case .object(let item) = $0 { item["Name"]?.text.lowercased() == name.lowercased() } else { false }
        } ?? .null
    }

    private static let propertyMembers = [
        "MemberType", "IsSettable", "IsGettable", "Value", "TypeNameOfValue", "Name", "IsInstance",
    ]

    /// The type name of the value of `.PSObject`.
    private static let viewType = "System.Management.Automation.PSMemberSet"

    /// Returns `value.PSObject.Properties[name]`; `nil` for any other index.
    func namedProperty(_ node: IndexExpressionSyntax) throws(Interrupt) -> PSValue? {
        guard case .member(let outer) = node.target, case .string(let properties) = outer.member,
            properties.value.lowercased() == "properties", case .member(let inner) = outer.target,
            case .string(let view) = inner.member, view.value.lowercased() == "psobject"
        else { return nil }
        let (target, key) = (try value(of: inner.target), try value(of: node.index))
        guard !target.isNull else { return nil }
        guard case .string(let name) = key else { throw .handOver("a property that isn't asked for by its name") }
        switch target {
        case .object(let returned):
            guard returned.computed.isEmpty else { throw .handOver("the properties of an object with computed ones") }
            let object = returned.whole
            guard let place = object.shape.place(of: name) else { return .null }
            return Self.property(object.shape.names[place], object.values[place])
        case .table(let table) where table["psobject"] == nil:
            guard !Self.tableProperties.contains(where: { $0.lowercased() == name.lowercased() }) else {
                throw .handOver("a property of \(target.typeName)")
            }
            return .null
        default: throw .handOver("a property of \(target.typeName)")
        }
    }

    private static func property(_ name: String, _ value: PSValue, _ kind: String = "NoteProperty") -> PSValue? {
        PSObject([
            ("MemberType", .string(kind)), ("IsSettable", .bool(true)), ("IsGettable", .bool(true)),
            ("Value", value), ("TypeNameOfValue", .string(value.typeName)), ("Name", .string(name)),
            ("IsInstance", .bool(true)),
        ]).map { .object($0) }
    }

    private enum OfEach { case filter, work }

    /// The methods of all values that run code for each element, by their names in lower case.
    private static let ofEach: [String: OfEach] = [
        "where": .filter, "pswhere": .filter, "foreach": .work, "psforeach": .work,
    ]

    /// Calls a method that runs code or changes an object; `nil` for any other.
    func ownMethod(_ target: PSValue, _ name: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        let method = name.lowercased()
        if let ofEach = Self.ofEach[method], let first = arguments.first {
            // The lists with typed elements have one of their own, which puts out nothing.
            if method == "foreach", case .list(let list) = target, [.objects, .texts, .numbers].contains(list.kind) {
                throw .handOver("a list's own ForEach")
            }
            let items: [PSValue]
            switch target.plain {
            case .array(let own): items = own
            case .null: items = []
            case let only: items = [only]
            }
            return .array(try ofEach == .filter ? filtered(items, arguments) : each(of: items, first, arguments))
        }
        if onlyReads, let answer = try ReportTypes.call(target, method, arguments) { return answer }
        switch target {
        case .object(let view) where view.typeName == Self.viewType && method == "copy" && arguments.isEmpty:
            if case .table(let table)? = view["BaseObject"], onlyReads { return .table(table.copy()) }
            guard case .object(let object)? = view["BaseObject"], object.isCustom else { return nil }
            return .object(object.copy())
        case .block(let block) where method == "getnewclosure" && arguments.isEmpty: return try closure(of: block)
        case .block(let block) where method == "invoke":
            return .array(try invoke(block, arguments))
        case .block(let block) where method == "invokereturnasis":
            return .collapsed(try invoke(block, arguments))
        case .array(let items) where method == "gettype" && !isPlain(items): throw .handOver("the type of an array")
        case .table(let table): return try method == "gettype" ? typeOf(table) : tableMethod(table, name, arguments)
        case .enumeration(let own) where own.kind.type == nil: return try EnumMembers.call(own, method, arguments)
        case .ownType(let type): return try EnumMembers.call(of: type, method, arguments)
        case .type(let known) where PSEnum.Kind.of(known) != nil:
            return try PSEnum.Kind.of(known).flatMap { (kind) throws(Interrupt) in
                try EnumMembers.call(of: .enumeration(kind), method, arguments)
            }
        case .object(let object):
            if let type = object.ownClass { return try callMethod(object, type, name, arguments) }
            if let block = object.method(method) { return try called(block, on: target, name, arguments) }
            if let answer = try EngineIntrinsics.call(object, method, arguments, in: self) { return answer }
            if let answer = try FileDialog.call(object, method, arguments, in: self) { return answer }
            if let answer = try WindowsComponent.call(object, method, arguments, in: self) { return answer }
            if let answer = try LibraryTypes.call(object, method, arguments) { return answer }
            if let answer = try NetworkAddress.call(object, method, arguments) { return answer }
            if let answer = try cmdletMethod(object, method, arguments) { return answer }
            if let answer = try RegexObjects.call(object, method, arguments, in: self) { return answer }
            if let answer = try PSCulture.call(object, method, arguments) { return answer }
            if let answer = PSStopwatch.call(object, method, arguments) { return answer }
            if let answer = try TextBuilder.call(object, method, arguments) { return answer }
            if let answer = try StreamedText.call(object, method, arguments, in: self) { return answer }
            if let answer = try ReportTypes.call(object, method, arguments) { return answer }
            try ErrorRecords.check(object, name)
            if let answer = try DataTable.call(object, method, arguments) { return answer }
            if let answer = try ExcelPackage.call(object, method) { return answer }
            if let answer = try MachineRights.call(object, method, arguments, in: self) { return answer }
            if let answer = try HostInterface.call(object, method, arguments, in: self) { return answer }
            if XMLNode.isNode(object) { return try XMLNode.call(object, method, arguments, in: self) }
            guard object.isCustom else { return nil }
            switch (method, arguments.count) {
            // PowerShell itself returns an empty text here, whatever the object contains.
            case ("tostring", 0) where object.typeName == PSObject.customType: return .string("")
            case ("tostring", 0): return .string(try PSText.string(target))
            default: return nil
            }
        case .list where method == "gettype":
            return .typeInfo(target.typeName)
        case .list(let list):
            if list.kind == .excelSheets, let answer = try ExcelPackage.call(list, method, arguments, host) {
                return answer
            }
            return try searched(list, method, arguments)
        default: return nil
        }
    }

    /// Returns the type of a table. Of a dictionary's only the short name is certain, because the types of its content
    /// aren't kept.
    private func typeOf(_ table: PSTable) -> PSValue? {
        table.isGeneric ? .typeInfo(table.typeName) : nil
    }

    /// Evaluates `Add` and `Remove` of a table.
    private func changed(
        _ table: PSTable, _ method: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue {
        guard method == "add" else {
            let isGone = table.remove(arguments[0])
            return table.kind == .dictionary || table.kind == .sorted ? .bool(isGone) : .nothing
        }
        guard PSTable.accepts(arguments[0]) else { throw .handOver("an unusual key") }
        guard table.add(arguments[0], try table.accepted(arguments[1])) else {
            let cause = table.refusal(ofTaken: arguments[0])
            throw .statement(
                NativeError(
                    "ArgumentException", "Exception calling \"Add\" with \"2\" argument(s): \"\(cause)\"",
                    isReadable: true))
        }
        return .nothing
    }

    /// Gives a reference what a dictionary has for a key.
    private func give(_ found: PSValue?, of table: PSTable, to place: PSObject) throws(Interrupt) {
        guard referents[place.identity] != nil else { return }
        if let found { return try set(reference: place, to: found) }
        try set(reference: place, to: try table.missing())
    }

    private func tableMethod(
        _ table: PSTable, _ name: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue? {
        let method = name.lowercased()
        if let key = arguments.first, method != "insert", !method.hasPrefix("containsvalue") {
            try table.refuse(key: key)
        }
        switch (method, arguments.count) {
        case ("tryadd", 2) where table.isGeneric:
            guard PSTable.accepts(arguments[0]) else { throw .handOver("an unusual key") }
            return .bool(table.add(arguments[0], try table.accepted(arguments[1])))
        case ("trygetvalue", 2) where table.isGeneric:
            guard case .object(let place) = arguments[1], place.typeName == Self.referenceType,
                PSTable.accepts(arguments[0])
            else { return nil }
            let found = table[arguments[0]]
            try give(found, of: table, to: place)
            return .bool(found != nil)
        case ("tryremove", 2) where table.kind == .concurrent:
            guard case .object(let place) = arguments[1], place.typeName == Self.referenceType,
                PSTable.accepts(arguments[0])
            else { return nil }
            let found = table[arguments[0]]
            try give(found, of: table, to: place)
            return .bool(table.remove(arguments[0]))
        case ("getoradd", 2) where table.kind == .concurrent:
            guard PSTable.accepts(arguments[0]) else { return nil }
            if case .block = arguments[1] { return nil }
            _ = table.add(arguments[0], try table.accepted(arguments[1]))
            return table[arguments[0]]
        case ("add", 2), ("remove", 1):
            guard table.kind != .concurrent else { throw .handOver("the method \(name) of a concurrent dictionary") }
            return try changed(table, method, arguments)
        case ("insert", 3) where table.kind == .ordered:
            guard case .int(let place) = arguments[0], place >= 0, place <= table.count,
                PSTable.accepts(arguments[1]), table.insert(arguments[1], arguments[2], at: Int(place))
            else { throw .handOver("an unusual insertion") }
            return .nothing
        case ("containskey", 1) where table.kind == .ordered, ("containsvalue", 1) where table.kind == .ordered,
            ("clone", 0) where table.kind == .ordered:
            throw .statement(.missingMethod(name, of: table.typeName, isReadable: true))
        case ("clear", 0):
            table.clear()
            return .nothing
        case ("containskey", 1), ("contains", 1):
            guard !arguments[0].isNull else {
                let call = method == "contains" ? "Contains" : "ContainsKey"
                throw .statement(
                    NativeError(
                        "ArgumentNullException",
                        "Exception calling \"\(call)\" with \"1\" argument(s): \"Key cannot be null. (Parameter 'key')\"",
                        isReadable: !table.isOrdered))
            }
            // No table in this engine has a list or an object as a key.
            switch arguments[0] {
            case .array, .list, .table, .object: return .bool(false)
            default: break
            }
            guard PSTable.accepts(arguments[0]) else { throw .handOver("an unusual key") }
            return .bool(table[arguments[0]] != nil)
        case ("containsvalue", 1):
            for entry in table.entries
            where try Comparison.equal(entry.value, arguments[0].plain, ignoringCase: false) { return .bool(true) }
            return .bool(false)
        case ("clone", 0): return .table(table.copy())
        case ("getenumerator", 0):
            guard table.hasOrder(orAny: host != nil) else {
                throw .handOver("a hashtable without a defined order")
            }
            return .array(table.entryObjects)
        case ("item", 1), ("get_item", 1):
            if let value = table[arguments[0]] { return value }
            guard !table.isGeneric else { throw .handOver("a key that a dictionary doesn't have") }
            return .null
        default: return nil
        }
    }
}

extension PSValue {
    /// The same value, or `$null` if it is no output.
    var withoutNothing: PSValue {
        if case .nothing = self { .null } else { self }
    }
}
