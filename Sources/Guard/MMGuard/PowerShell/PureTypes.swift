internal import PowerShellSyntax

/// The .NET types whose conversions and listed members have no effect beyond their result.
enum PureTypes {
    /// Returns whether a type, as written in brackets, is on the list: in its one spelling, with or without `System.`,
    /// or as a one-dimensional array.
    static func contains(_ written: String) -> Bool {
        var name = written.asciiLowercased
        if name.hasSuffix("[]") { name = String(name.dropLast(2)) }
        return names.contains(plain(name))
    }

    /// Returns whether PowerShell already uses a name for a type, so that a class of that name could be confused with
    /// it.
    static func isTaken(_ name: String) -> Bool { names.contains(name) || accelerators.contains(name) }

    private static let accelerators: Set<String> = [
        "scriptblock", "type", "ref", "xml", "adsi", "adsisearcher", "wmi", "wmiclass", "wmisearcher", "cimclass",
        "cimsession", "ciminstance", "cimtype", "cimconverter", "dscresource", "dscproperty", "mailaddress",
        "securestring", "pscredential", "ipaddress", "physicaladdress", "uri", "powershell", "runspace",
        "runspacefactory", "initialsessionstate", "psvariable", "psmoduleinfo", "psprimitivedictionary",
        "pslistmodifier", "psaliasproperty", "psnoteproperty", "psscriptmethod", "psscriptproperty",
        "pspropertyexpression", "psreference", "pstypename", "culturinfo", "cultureinfo", "ipendpoint",
        "x500distinguishedname",
        "x509certificate", "ordered", "alias", "parameter", "cmdletbinding", "outputtype", "experimental",
        "semver", "string", "environment", "console", "gc", "activator", "delegate", "action", "func", "process",
    ]

    /// Returns whether a conversion to a type, as written in brackets, yields plain values: no block, no file, nothing
    /// that contains a secret.
    static func isValue(_ written: String) -> Bool {
        let name = plain(written.asciiLowercased)
        return names.contains(name) && !references.contains(name)
    }

    /// Returns whether a conversion to a type yields an XML document: it is read from a text, without anything that the
    /// text refers to, and its properties hold any number of elements.
    static func isDocument(_ written: String) -> Bool {
        ["xml", "xml.xmldocument"].contains(plain(written.asciiLowercased))
    }

    /// Returns whether a type is that of references to variables.
    static func isReference(_ type: TypeNameSyntax) -> Bool {
        if case .name(let name, nil) = type.form { return name.asciiLowercased == "ref" }
        return false
    }

    /// Returns whether a text, converted to such a type and back, is the same text: a number becomes a character, and
    /// `0x24` becomes 36.
    static func keeps(_ text: String, as written: String) -> Bool {
        switch plain(written.asciiLowercased) {
        case "string": true
        case "int", "int32", "long", "int64": Int(text).map(String.init) == text
        default: false
        }
    }

    /// Returns the name of a type by which a variable changes or refuses later values; `nil` for one that takes every
    /// value as it is, or as its text.
    static func condition(of type: TypeNameSyntax) -> String? {
        let name = type.fullName
        return ["string", "string[]", "object", "object[]", "array", "psobject"].contains(plain(name.asciiLowercased))
            ? nil : name
    }

    /// Returns whether a type, as written in brackets, is that of hashtables.
    static func isTable(_ written: String) -> Bool {
        ["hashtable", "collections.hashtable"].contains(plain(written.asciiLowercased))
    }

    /// Returns whether an object of a type only has the properties that it is given: `[PSObject]`.
    static func isPlainObject(_ type: TypeNameSyntax) -> Bool {
        guard case .name(let name, nil) = type.form else { return false }
        return [
            "object", "psobject", "management.automation.psobject", "pscustomobject",
            "management.automation.pscustomobject",
        ]
        .contains(plain(name.asciiLowercased))
    }

    /// Types whose conversions return the value unchanged.
    private static let references: Set<String> = [
        "pscustomobject", "management.automation.pscustomobject", "ordered", "hashtable", "collections.hashtable",
        "array",
        "object", "psobject", "management.automation.psobject", "void", "xml", "xml.xmldocument",
    ]

    /// Returns whether `[type]::member` may be read.
    static func hasProperty(_ type: String, _ member: String) -> Bool {
        properties[plain(type.asciiLowercased)]?.contains(member.asciiLowercased) ?? false
    }

    /// Returns whether `[type]::method(…)` may be called.
    static func hasMethod(_ type: String, _ method: String) -> Bool {
        let type = plain(type.asciiLowercased)
        let method = method.asciiLowercased
        switch type {
        case "math": return true
        case "convert": return method.hasPrefix("to") && method != "tobase64chararray" || method.hasPrefix("from")
        default:
            // Whether a text can be parsed is told by a method that sets a variable, given as a reference.
            let own = methods[type]
            return own?.contains(method) ?? false || method == "tryparse" && own?.contains("parse") ?? false
        }
    }

    /// Returns whether a type is `Stopwatch`.
    static func isStopwatch(_ type: String) -> Bool { plain(type.asciiLowercased) == "diagnostics.stopwatch" }

    /// Returns whether a method may be called on any value: on strings, numbers, dates, encodings, XML nodes and lists
    /// of them it only returns something.
    static func isPlainMethod(_ name: String) -> Bool { plainMethods.contains(name.asciiLowercased) }

    /// Returns whether a method (in lower case) finds nodes of an XML document, which themselves hold any number.
    static func findsNodes(_ method: String) -> Bool { ["selectnodes", "selectsinglenode"].contains(method) }

    /// Returns whether a method on these lists may return many values, by its name in lower case.
    static func isOfMany(_ method: String) -> Bool {
        [
            "split", "matches", "tochararray", "tolist", "getbytes", "frombase64string", "frombase64chararray",
            "fromhexstring",
        ].contains(method)
    }

    /// Returns whether an attribute of a parameter or an enum only declares something and runs no code of the script's.
    static func declares(_ attribute: String) -> Bool {
        var name = plain(attribute.asciiLowercased)
        if name.hasPrefix("management.automation.") { name = String(name.dropFirst(22)) }
        if name.hasSuffix("attribute") { name = String(name.dropLast(9)) }
        return declarations.contains(name)
    }

    private static let declarations: Set<String> = [
        "cmdletbinding", "outputtype", "parameter", "alias", "allownull", "allowemptystring", "allowemptycollection",
        "validateset", "validaterange", "validatelength", "validatecount", "validatepattern", "validatenotnull",
        "validatenotnullorempty", "validatenotnullorwhitespace", "supportswildcards", "psdefaultvalue", "flags",
        "diagnostics.codeanalysis.suppressmessage",
    ]

    /// Returns whether a namespace is one of .NET's own. Naming it runs nothing and loads nothing, and each type is
    /// judged where it is used: no type in them that does something has the short name of one on these lists.
    static func isOwnNamespace(_ name: String) -> Bool {
        let name = name.asciiLowercased
        return name == "system" || name.hasPrefix("system.") && !name.hasPrefix("system.management")
    }

    /// Returns whether a property leads from a type to its assembly, from which every other type can be reached.
    static func isReflection(_ name: String) -> Bool { ["assembly", "module"].contains(name.asciiLowercased) }

    /// Returns a name without `System.`; that of a nullable type stands for the type of its value.
    static func plain(_ name: String) -> String {
        var name = name.hasPrefix("system.") ? name.dropFirst(7) : name[...]
        if name.hasPrefix("nullable["), name.hasSuffix("]") {
            name = name.dropFirst(9).dropLast()
            if name.hasPrefix("system.") { name = name.dropFirst(7) }
        }
        return String(name)
    }

    private static let names: Set<String> = [
        "int", "int32", "long", "int64", "double", "float", "single", "decimal", "bool", "boolean", "string", "char",
        "datetime", "datetimeoffset", "timespan", "guid", "version", "byte", "sbyte", "uint16", "uint32", "uint64",
        "int16",
        "ushort", "uint", "ulong", "short", "bigint", "numerics.biginteger", "regex", "text.regularexpressions.regex",
        "pscustomobject", "management.automation.pscustomobject", "ordered", "hashtable", "collections.hashtable",
        "array",
        "object", "psobject", "management.automation.psobject", "switch", "management.automation.switchparameter",
        "void",
        "math", "convert", "stringcomparison", "dayofweek", "xml", "xml.xmldocument",
    ]

    private static let properties: [String: Set<String>] = [
        "datetime": ["now", "utcnow", "today", "maxvalue", "minvalue", "unixepoch"],
        "datetimeoffset": ["now", "utcnow", "maxvalue", "minvalue"],
        "math": ["pi", "e"],
        "string": ["empty"],
        "environment": [
            "newline", "osversion", "version", "machinename", "username", "userdomainname", "userinteractive",
            "processorcount", "is64bitoperatingsystem", "is64bitprocess",
        ],
        "io.path": ["directoryseparatorchar", "altdirectoryseparatorchar", "pathseparator"],
        "stringcomparer": [
            "ordinal", "ordinalignorecase", "invariantculture", "invariantcultureignorecase", "currentculture",
            "currentcultureignorecase",
        ],
        "text.encoding": ["utf8", "ascii", "unicode", "bigendianunicode", "latin1", "utf32", "default"],
        "guid": ["empty"],
        "timespan": ["zero", "maxvalue", "minvalue"],
        "diagnostics.stopwatch": ["frequency", "ishighresolution"],
        "globalization.cultureinfo": ["invariantculture", "currentculture", "currentuiculture"],
        "cultureinfo": ["invariantculture", "currentculture", "currentuiculture"],
        "int": ["maxvalue", "minvalue"], "int32": ["maxvalue", "minvalue"], "long": ["maxvalue", "minvalue"],
        "int64": ["maxvalue", "minvalue"], "double": ["maxvalue", "minvalue", "nan"],
        "dayofweek": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        "stringcomparison": ["ordinal", "ordinalignorecase", "invariantculture", "invariantcultureignorecase"],
    ]

    private static let methods: [String: Set<String>] = [
        "datetime": ["parse", "parseexact", "daysinmonth", "isleapyear"],
        "datetimeoffset": ["parse", "fromunixtimeseconds", "fromunixtimemilliseconds"],
        "string": ["join", "isnullorempty", "isnullorwhitespace", "format", "concat", "compare", "equals"],
        "guid": ["parse", "newguid"],
        "timespan": [
            "parse", "fromdays", "fromhours", "fromminutes", "fromseconds", "frommilliseconds", "frommicroseconds",
            "fromticks",
        ],
        "int": ["parse"], "int32": ["parse"], "long": ["parse"], "int64": ["parse"], "double": ["parse"],
        "decimal": ["parse"], "version": ["parse"], "bool": ["parse"],
        "regex": ["escape", "unescape", "match", "matches", "ismatch", "split"],
        "net.webutility": ["urldecode", "urlencode", "htmldecode", "htmlencode"],
        "uri": ["escapedatastring", "unescapedatastring"],
        "web.httputility": ["urldecode", "urlencode", "htmldecode", "htmlencode"],
        "io.path": [
            "combine", "join", "getfilename", "getfilenamewithoutextension", "getextension", "getdirectoryname",
            "getfullpath", "getrelativepath", "getpathroot", "ispathrooted", "hasextension", "changeextension",
            "getinvalidfilenamechars", "getinvalidpathchars", "gettemppath", "getrandomfilename",
        ],
        "diagnostics.stopwatch": ["startnew", "gettimestamp"],
        "globalization.cultureinfo": ["getcultureinfo", "createspecificculture"],
        "cultureinfo": ["getcultureinfo", "createspecificculture"],
        "char": ["isletter", "isdigit", "isletterordigit", "isupper", "islower", "iswhitespace"],
    ]

    private static let plainMethods: Set<String> = [
        "tostring", "toupper", "tolower", "toupperinvariant", "tolowerinvariant", "trim", "trimstart", "trimend",
        "split",
        "substring", "replace", "startswith", "endswith", "contains", "indexof", "lastindexof", "padleft", "padright",
        "adddays", "addhours", "addminutes", "addmonths", "addyears", "addseconds", "subtract", "touniversaltime",
        "tolocaltime", "toshortdatestring", "toshorttimestring", "tolongdatestring", "tolongtimestring", "gettype",
        "compareto", "equals", "containskey",
        "totitlecase", "tobytes", "tokb", "tomb", "togb", "totb", "tochararray", "tolist", "getbytes",
        "getstring", "getbytecount", "getcharcount", "selectnodes", "selectsinglenode",
    ]
}
