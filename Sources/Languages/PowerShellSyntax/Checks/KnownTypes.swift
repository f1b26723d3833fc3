/// The types that exist in every session of PowerShell 7.6, for rules that depend on a type.
///
/// The list doesn't have to be complete: where a rule needs a type that is missing here, the text is rejected.
enum KnownTypes {
    private static let enumBases: Set<String> = [
        "byte", "sbyte", "short", "int16", "ushort", "uint16", "int", "int32", "uint", "uint32", "long", "int64",
        "ulong", "uint64",
    ]

    /// The types that a `data` section may name: the simple types of .NET.
    private static let simple: Set<String> = enumBases.union([
        "bool", "boolean", "char", "single", "float", "double", "decimal", "datetime", "string", "dbnull",
    ])

    /// Returns the name in lower case without a leading `System.`; `nil` for generic, array and assembly-qualified
    /// types.
    static func plainName(_ type: TypeNameSyntax) -> String? {
        guard case .name(let name, nil) = type.form else { return nil }
        let lower = ASCIIFold.lowercased(name)
        return lower.hasPrefix("system.") ? String(lower.dropFirst(7)) : lower
    }

    /// Whether a type is an integer type that can underlie an enumeration.
    static func isEnumBase(_ type: TypeNameSyntax) -> Bool {
        plainName(type).map { enumBases.contains($0) } ?? false
    }

    /// Whether a type is a simple type or an array of one.
    static func isSimple(_ type: TypeNameSyntax) -> Bool {
        if case .array(let element, _) = type.form { return plainName(element).map { simple.contains($0) } ?? false }
        return plainName(type).map { simple.contains($0) } ?? false
    }

    /// Whether a type is `void`.
    static func isVoid(_ type: TypeNameSyntax) -> Bool { plainName(type) == "void" }

    /// Whether a type is `ref`.
    static func isReference(_ type: TypeNameSyntax) -> Bool {
        let name = plainName(type)
        return name == "ref" || name == "management.automation.psreference" || name == "psreference"
    }

    /// Whether a type is `ordered`, to which only hashtable literals can be cast.
    static func isOrdered(_ type: TypeNameSyntax) -> Bool { ASCIIFold.equal(type.fullName, "ordered") }

    /// Type accelerators: short names that denote a type by themselves.
    private static let accelerators = Set(
        """
        array bool byte char datetime decimal double float single guid hashtable int int32 short int16 long int64 \
        ciminstance cimclass cimtype cimconverter ipendpoint nullstring objectsecurity ordered physicaladdress \
        pscredential pslistmodifier psobject pscustomobject psprimitivedictionary ref regex sbyte string switch \
        cultureinfo bigint securestring timespan ushort uint16 uint uint32 ulong uint64 uri version void ipaddress \
        wildcardpattern x509certificate x500distinguishedname xml cimsession mailaddress semver scriptblock \
        pspropertyexpression psvariable type psmoduleinfo powershell runspacefactory runspace initialsessionstate \
        psscriptmethod psscriptproperty psnoteproperty psaliasproperty psvariableproperty experimentalfeature \
        experimentaction
        """.split(separator: " ").map(String.init))

    /// Attributes, by short name, that are allowed on properties of classes and accept only constants.
    static let propertyAttributes: Set<String> = [
        "alias", "allowemptycollection", "allowemptystring", "allownull", "parameter", "supportswildcards",
        "validatecount", "validatelength", "validatenotnull", "validatenotnullorempty",
        "validatenotnullorwhitespace", "validatepattern", "validaterange", "validateset", "dscproperty",
    ]

    /// An attribute with the constant arguments that it accepts: the number of positional ones, and the names of the
    /// others.
    typealias AttributeForm = (name: String, positional: ClosedRange<Int>, named: Set<String>)

    /// Attributes that are allowed on enumerations.
    static let enumAttributes: [AttributeForm] = [
        ("flags", 0...0, []), ("obsolete", 0...2, ["diagnosticid", "urlformat"]),
    ]

    /// Attributes that are allowed on classes.
    static let classAttributes: [AttributeForm] = [
        ("norunspaceaffinity", 0...0, []), ("serializable", 0...0, []),
        ("obsolete", 0...2, ["diagnosticid", "urlformat"]),
        ("cmdlet", 2...2, commandNames.union(["supportstransactions"])), ("cmdletbinding", 0...0, commandNames),
    ]

    private static let commandNames: Set<String> = [
        "confirmimpact", "defaultparametersetname", "helpuri", "positionalbinding", "remotingcapability",
        "supportspaging", "supportsshouldprocess",
    ]

    /// Attributes that are allowed in scripts, and in script blocks inside classes.
    static let attributes: Set<String> = propertyAttributes.union([
        "argumentcompleter", "argumentcompletions", "cmdletbinding", "experimental", "outputtype", "psdefaultvalue",
        "pstypename", "validatedrive", "validatescript", "validatetrusteddata", "validateuserdrive",
        "diagnostics.codeanalysis.suppressmessage", "diagnostics.codeanalysis.suppressmessageattribute",
    ])

    /// Whether a name in a class refers to an existing type.
    /// - Parameters:
    ///   - name: the name as written, without generic arguments.
    ///   - arity: the number of generic arguments.
    ///   - namespaces: the namespaces of `using namespace` statements.
    static func contains(_ name: String, arity: Int, namespaces: [String]) -> Bool {
        let lower = ASCIIFold.lowercased(name)
        if arity == 0, accelerators.contains(lower) { return true }
        let suffix = arity > 0 && !lower.contains("`") ? "`\(arity)" : ""
        let types = FrameworkTypes.names
        if types.contains(lower + suffix) || types.contains("system." + lower + suffix) { return true }
        return namespaces.contains { types.contains(ASCIIFold.lowercased($0) + "." + lower + suffix) }
    }

    /// Whether the first exception type equals or is a base of the second, as far as both are known. Types without
    /// known bases count as derived from `Exception`.
    static func catches(_ first: TypeNameSyntax, _ second: TypeNameSyntax) -> Bool {
        guard let upper = plainName(first), let lower = plainName(second) else {
            return ASCIIFold.equal(first.fullName, second.fullName)
        }
        if upper == lower { return true }
        if upper == "exception" { return true }
        return FrameworkTypes.exceptionBases[lower].map { $0.contains(upper) } ?? false
    }
}
