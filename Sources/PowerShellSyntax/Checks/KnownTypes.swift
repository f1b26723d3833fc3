/// Types that every session of PowerShell 7.6 has, for the rules of the language that ask what a type is.
///
/// The list need not be complete: where a rule needs a type that is not here, the text is refused.
enum KnownTypes {
    private static let enumBases: Set<String> = [
        "byte", "sbyte", "short", "int16", "ushort", "uint16", "int", "int32", "uint", "uint32", "long", "int64",
        "ulong", "uint64",
    ]

    /// Types that a `data` section may name: the simple ones of .NET.
    private static let simple: Set<String> = enumBases.union([
        "bool", "boolean", "char", "single", "float", "double", "decimal", "datetime", "string", "dbnull",
    ])

    /// The name in lower case without `System.` in front; nil for generic, array and assembly-qualified types.
    static func plainName(_ type: TypeNameSyntax) -> String? {
        guard case .name(let name, nil) = type.form else { return nil }
        let lower = ASCIIFold.lowercased(name)
        return lower.hasPrefix("system.") ? String(lower.dropFirst(7)) : lower
    }

    /// An integer type that an enumeration may be built on.
    static func isEnumBase(_ type: TypeNameSyntax) -> Bool {
        plainName(type).map { enumBases.contains($0) } ?? false
    }

    /// A simple type or an array of one.
    static func isSimple(_ type: TypeNameSyntax) -> Bool {
        if case .array(let element, _) = type.form { return plainName(element).map { simple.contains($0) } ?? false }
        return plainName(type).map { simple.contains($0) } ?? false
    }

    /// `void`.
    static func isVoid(_ type: TypeNameSyntax) -> Bool { plainName(type) == "void" }

    /// `ref`.
    static func isReference(_ type: TypeNameSyntax) -> Bool {
        let name = plainName(type)
        return name == "ref" || name == "management.automation.psreference" || name == "psreference"
    }

    /// `ordered`, which only hashtable literals may be cast to.
    static func isOrdered(_ type: TypeNameSyntax) -> Bool { ASCIIFold.equal(type.fullName, "ordered") }

    /// Short names that stand for a type by themselves.
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

    /// Attributes by short name that may stand on properties of classes and take constants only.
    static let propertyAttributes: Set<String> = [
        "alias", "allowemptycollection", "allowemptystring", "allownull", "parameter", "supportswildcards",
        "validatecount", "validatelength", "validatenotnull", "validatenotnullorempty",
        "validatenotnullorwhitespace", "validatepattern", "validaterange", "validateset", "dscproperty",
    ]

    /// An attribute and the constant arguments that it takes: how many by position, and which by name.
    typealias AttributeForm = (name: String, positional: ClosedRange<Int>, named: Set<String>)

    /// Attributes that may stand on enumerations.
    static let enumAttributes: [AttributeForm] = [
        ("flags", 0...0, []), ("obsolete", 0...2, ["diagnosticid", "urlformat"]),
    ]

    /// Attributes that may stand on classes.
    static let classAttributes: [AttributeForm] = [
        ("norunspaceaffinity", 0...0, []), ("serializable", 0...0, []),
        ("obsolete", 0...2, ["diagnosticid", "urlformat"]),
        ("cmdlet", 2...2, commandNames.union(["supportstransactions"])), ("cmdletbinding", 0...0, commandNames),
    ]

    private static let commandNames: Set<String> = [
        "confirmimpact", "defaultparametersetname", "helpuri", "positionalbinding", "remotingcapability",
        "supportspaging", "supportsshouldprocess",
    ]

    /// Attributes in scripts and script blocks inside classes.
    static let attributes: Set<String> = propertyAttributes.union([
        "argumentcompleter", "argumentcompletions", "cmdletbinding", "experimental", "outputtype", "psdefaultvalue",
        "pstypename", "validatedrive", "validatescript", "validatetrusteddata", "validateuserdrive",
        "diagnostics.codeanalysis.suppressmessage", "diagnostics.codeanalysis.suppressmessageattribute",
    ])

    /// Whether a name written in a class names a type that is there.
    /// - Parameters:
    ///   - name: the name as written, without generic arguments.
    ///   - arity: the number of generic arguments.
    ///   - namespaces: those of `using namespace`.
    static func contains(_ name: String, arity: Int, namespaces: [String]) -> Bool {
        let lower = ASCIIFold.lowercased(name)
        if arity == 0, accelerators.contains(lower) { return true }
        let suffix = arity > 0 && !lower.contains("`") ? "`\(arity)" : ""
        let types = FrameworkTypes.names
        if types.contains(lower + suffix) || types.contains("system." + lower + suffix) { return true }
        return namespaces.contains { types.contains(ASCIIFold.lowercased($0) + "." + lower + suffix) }
    }

    /// Whether the first exception type is the second or above it, as far as both are known. An error for which that is
    /// not known counts as below `Exception`.
    static func catches(_ first: TypeNameSyntax, _ second: TypeNameSyntax) -> Bool {
        guard let upper = plainName(first), let lower = plainName(second) else {
            return ASCIIFold.equal(first.fullName, second.fullName)
        }
        if upper == lower { return true }
        if upper == "exception" { return true }
        return FrameworkTypes.exceptionBases[lower].map { $0.contains(upper) } ?? false
    }
}
