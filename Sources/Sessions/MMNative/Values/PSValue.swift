/// A value of the native engine: the closed set of .NET types whose behaviour the engine knows exactly. Scripts that
/// need other types are handed over to a real PowerShell.
package enum PSValue: Sendable {
    /// `$null`.
    case null
    /// No output. It acts as `$null`, but adds nothing to a pipeline, list or loop.
    case nothing
    /// System.Boolean.
    case bool(Bool)
    /// System.Byte.
    case byte(UInt8)
    /// System.Int32.
    case int(Int32)
    /// System.Int64.
    case long(Int64)
    /// System.Double.
    case double(Double)
    /// System.Single.
    case single(Float)
    /// System.Decimal.
    indirect case decimal(PSDecimal)
    /// System.TimeSpan, in ticks of 100 ns.
    case span(Int64)
    /// System.Guid, in its canonical text.
    case guid(String)
    /// System.Version, with the given parts.
    case version([Int32])
    /// A value of an enumeration.
    case enumeration(PSEnum)
    /// System.Char: one UTF-16 unit.
    case char(UInt16)
    /// System.String.
    case string(String)
    /// System.Object[].
    case array([PSValue])
    /// A growing collection.
    case list(PSList)
    /// A hashtable, ordered or not.
    indirect case table(PSTable)
    /// A custom object, or an object from a cmdlet.
    indirect case object(PSObject)
    /// System.DateTime.
    case date(PSDate)
    /// A script block.
    indirect case block(PSBlock)
    /// A literal of one of the types that casts and tests may name.
    case type(PSType)
    /// The type that `GetType()` returns, for System.RuntimeType.Name and similar properties.
    case typeInfo(String)
    /// A type that a script declares, as a literal and as `GetType()` returns it.
    indirect case ownType(OwnType)
}

extension PSValue {
    /// The full name of the .NET type, as the `types` of recorded results spell it.
    package var typeName: String {
        switch self {
        case .null, .nothing: "null"
        case .bool: "System.Boolean"
        case .byte: "System.Byte"
        case .int: "System.Int32"
        case .long: "System.Int64"
        case .double: "System.Double"
        case .single: "System.Single"
        case .decimal: "System.Decimal"
        case .span: "System.TimeSpan"
        case .guid: "System.Guid"
        case .version: "System.Version"
        case .enumeration(let value): value.kind.typeName
        case .char: "System.Char"
        case .string: "System.String"
        case .array: "System.Object[]"
        case .list(let list): list.typeName
        case .table(let table): table.typeName
        case .object(let object): object.typeName
        case .date: "System.DateTime"
        case .block: "System.Management.Automation.ScriptBlock"
        case .type, .typeInfo, .ownType: "System.RuntimeType"
        }
    }

    /// Whether this is `$null`, or no output at all.
    package var isNull: Bool {
        switch self {
        case .null, .nothing: true
        default: false
        }
    }

    /// Whether this is no output.
    var isNothing: Bool { if case .nothing = self { true } else { false } }

    /// The value with no output as `$null`, and with a list as an array.
    package var plain: PSValue {
        switch self {
        case .nothing: .null
        case .list(let list): .array(list.items)
        default: self
        }
    }

    /// The elements of an object that is a collection in .NET; `nil` for any other value.
    var elements: [PSValue]? { DataTable.rows(self) ?? XMLNode.attributes(in: self) }

    /// Whether the value counts as true in a condition.
    package var isTrue: Bool {
        switch self {
        case .null, .nothing: false
        case .bool(let flag): flag
        case .byte(let number): number != 0
        case .int(let number): number != 0
        case .long(let number): number != 0
        case .double(let number): number != 0
        case .single(let number): number != 0
        case .decimal(let number): number.digits != 0
        case .enumeration(let value): value.value != 0
        case .char(let unit): unit != 0
        case .string(let text): !text.isEmpty
        case .list(let list): PSValue.array(list.items).isTrue
        case .array(let items):
            switch items.count {
            case 0: false
            case 1:
                // A list within a list counts by its length, not by its content.
                switch items[0] {
                case .array(let inner): !inner.isEmpty
                case .list(let inner): !inner.items.isEmpty
                case let only: only.isTrue
                }
            default: true
            }
        case .table, .object, .date, .span, .guid, .version, .block, .type, .typeInfo, .ownType: true
        }
    }

    /// Combines the output of a pipeline into one value: nothing, the only object, or a list of all.
    package static func collapsed(_ items: [PSValue]) -> PSValue {
        switch items.count {
        case 0: .nothing
        case 1: items[0]
        default: .array(items)
        }
    }
}

/// The types that casts, `-is` and `-as` may name.
package enum PSType: String, Sendable {
    case encoding, culture, settings, console, stopwatch, xml, timezone, file, fileinfo, folder, choice, choices
    /// Interfaces, which only type tests name.
    case anytable, anycollection, anylist, anysequence
    case arraylist, objectlist, textlist, numberlist, textset, numberset, objectset
    case queue, objectqueue, textqueue, numberqueue, stack, objectstack, textstack, numberstack
    case objectbag, textbag, numberbag, concurrenttable, ipaddress
    case errorrecord, exception, texts, ints, toggle, scriptblock, path, environment, uri, credential, securestring
    /// `[Nullable[T]]`: a value of the type, or `$null`.
    case optionaldate, optionalint, optionalbool, optionallong, optionaldouble, optionaldecimal, optionalspan,
        optionalguid
    /// Exceptions, by their full names.
    case systemexception = "System.SystemException"
    case applicationexception = "System.ApplicationException"
    case argumentexception = "System.ArgumentException"
    case argumentnullexception = "System.ArgumentNullException"
    case argumentoutofrangeexception = "System.ArgumentOutOfRangeException"
    case formatexception = "System.FormatException"
    case invalidoperationexception = "System.InvalidOperationException"
    case invalidcastexception = "System.InvalidCastException"
    case nullreferenceexception = "System.NullReferenceException"
    case indexoutofrangeexception = "System.IndexOutOfRangeException"
    case notsupportedexception = "System.NotSupportedException"
    case notimplementedexception = "System.NotImplementedException"
    case timeoutexception = "System.TimeoutException"
    case unauthorizedaccessexception = "System.UnauthorizedAccessException"
    case dividebyzeroexception = "System.DivideByZeroException"
    case overflowexception = "System.OverflowException"
    case ioexception = "System.IO.IOException"
    case filenotfoundexception = "System.IO.FileNotFoundException"
    case directorynotfoundexception = "System.IO.DirectoryNotFoundException"
    case securityexception = "System.Security.SecurityException"
    case runtimeexception = "System.Management.Automation.RuntimeException"
    case psinvalidcastexception = "System.Management.Automation.PSInvalidCastException"
    case itemnotfoundexception = "System.Management.Automation.ItemNotFoundException"
    case commandnotfoundexception = "System.Management.Automation.CommandNotFoundException"
    case metadataexception = "System.Management.Automation.MetadataException"
    case validationexception = "System.Management.Automation.ValidationMetadataException"
    case methodinvocationexception = "System.Management.Automation.MethodInvocationException"
    case bool, int, long, double, single, string, datetime, array, object, pscustomobject, hashtable, ordered, char
    case builder, comparer, dictionary, orderedtable, principal, identity, role
    case mailaddress, assembly, dialogresult, consolecolor
    case datatable, datacolumn, utf8encoding, random, actionpreference
    case collector, thread, escaping, digest, sha256, md5, sha1, sha384, sha512, keyedsha256, httpstatus
    /// Readers and writers of text, and bytes in memory.
    case filereader, textreader, filewriter, textwriter, memory
    case xmlconvert, hosts, process, messagebox, randomnumbers, valuetype
    /// Options that methods take: styles of numbers and dates, kinds of addresses, folders of the system.
    case styles
    case moment, bitconverter, stringcomparison, splitoptions, regexoptions, errorcategory
    /// `[Enum]`, the base of all enumerations, and `[ref]`, which only parameters name.
    case anyenum, reference
    /// `[Linq.Enumerable]`.
    case enumerable
    /// Tables with sorted keys.
    case sortedtable
    case byte, bytes, chars, longs, doubles, bools, dates, guids
    case decimal, timespan, guid, version, dayofweek, datetimekind, midpointrounding, webtext, webutility, membership
    case math, regex, convert, void

    /// Returns the type with this name as written; `nil` if the engine doesn't know it.
    package init?(written: String) {
        guard let kind = PSList.kind(written: written) else {
            self.init(scalar: written)
            return
        }
        self.init(rawValue: kind.rawValue)
    }

    /// The kind of table of the type; `nil` for other types.
    var tableKind: PSTable.Kind? {
        switch self {
        case .hashtable: .hashtable
        case .orderedtable: .ordered
        case .dictionary: .dictionary
        case .concurrenttable: .concurrent
        case .sortedtable: .sorted
        default: nil
        }
    }

    /// The kind of list of the type; `nil` for other types.
    var listKind: PSList.Kind? { PSList.Kind(rawValue: rawValue) }

    /// Whether it is an array type with typed elements; its values are kept as ordinary arrays.
    var isTypedArray: Bool { element != self }

    /// The types that a value or `$null` may have, by the type of the value.
    private static let optionals: [PSType: PSType] = [
        .datetime: .optionaldate, .int: .optionalint, .bool: .optionalbool, .long: .optionallong,
        .double: .optionaldouble, .decimal: .optionaldecimal, .timespan: .optionalspan, .guid: .optionalguid,
    ]
    private static let wrapped = Dictionary(uniqueKeysWithValues: optionals.map { ($1, $0) })

    /// The type of the value of `[Nullable[T]]`; `nil` for other types.
    var wrapped: PSType? { Self.wrapped[self] }

    /// The type of an array's elements; the type itself for any other.
    var element: PSType {
        switch self {
        case .texts: .string
        case .ints: .int
        case .bytes: .byte
        case .chars: .char
        case .longs: .long
        case .doubles: .double
        case .bools: .bool
        case .dates: .datetime
        case .guids: .guid
        default: self
        }
    }

    private init?(scalar written: String) {
        let name = written.lowercased()
        let short = name.hasPrefix("system.") ? String(name.dropFirst(7)) : name
        switch short {
        case "bool", "boolean": self = .bool
        case "int", "int32": self = .int
        case "long", "int64": self = .long
        case "double": self = .double
        case "float", "single": self = .single
        case "string": self = .string
        case "datetime": self = .datetime
        case "array", "object[]": self = short == "array" ? .array : .array
        case "object": self = .object
        case "pscustomobject": self = .pscustomobject
        case "hashtable": self = .hashtable
        case "ordered": self = .ordered
        case "char": self = .char
        case "decimal": self = .decimal
        case "timespan": self = .timespan
        case "guid": self = .guid
        case "version": self = .version
        case "dayofweek": self = .dayofweek
        case "enum": self = .anyenum
        case "ref", "management.automation.psreference": self = .reference
        case "consolecolor": self = .consolecolor
        case "net.mail.mailaddress", "mailaddress": self = .mailaddress
        case "reflection.assembly": self = .assembly
        case "windows.forms.dialogresult": self = .dialogresult
        case "midpointrounding": self = .midpointrounding
        case "stringcomparison": self = .stringcomparison
        case "stringsplitoptions": self = .splitoptions
        case "text.regularexpressions.regexoptions": self = .regexoptions
        case "management.automation.errorcategory": self = .errorcategory
        case "management.automation.actionpreference": self = .actionpreference
        case "bitconverter": self = .bitconverter
        case "linq.enumerable": self = .enumerable
        case "text.stringbuilder": self = .builder
        case "stringcomparer": self = .comparer
        case "collections.specialized.ordereddictionary": self = .orderedtable
        case let name where name.hasPrefix("collections.generic.dictionary[") && name.hasSuffix("]"): self = .dictionary
        case "collections.sortedlist": self = .sortedtable
        case let name
        where
            (name.hasPrefix("collections.generic.sorteddictionary[")
            || name.hasPrefix("collections.generic.sortedlist["))
            && name.hasSuffix("]"):
            self = .sortedtable
        case let name where name.hasPrefix("collections.concurrent.concurrentdictionary[") && name.hasSuffix("]"):
            self = .concurrenttable
        case "ipaddress", "net.ipaddress": self = .ipaddress
        case "security.principal.windowsprincipal": self = .principal
        case "security.principal.windowsidentity": self = .identity
        case "security.principal.windowsbuiltinrole": self = .role
        case "datetimeoffset": self = .moment
        case "gc": self = .collector
        case "threading.thread": self = .thread
        case "security.securityelement": self = .escaping
        case "security.cryptography.hashalgorithm": self = .digest
        case let name where name.hasPrefix("security.cryptography.") && Self.digest(named: name.dropFirst(22)) != nil:
            self = Self.digest(named: name.dropFirst(22)) ?? .digest
        case "io.streamreader": self = .filereader
        case "io.stringreader": self = .textreader
        case "io.streamwriter": self = .filewriter
        case "io.stringwriter": self = .textwriter
        case "io.memorystream": self = .memory
        case "xml.xmlconvert": self = .xmlconvert
        case "net.dns": self = .hosts
        case "diagnostics.process": self = .process
        case "windows.forms.messagebox", "windows.messagebox": self = .messagebox
        case "random": self = .randomnumbers
        case "valuetype": self = .valuetype
        case "net.httpstatuscode": self = .httpstatus
        case "globalization.numberstyles", "globalization.datetimestyles", "urikind", "environment+specialfolder",
            "environmentvariabletarget", "globalization.culturetypes", "windows.forms.messageboxbuttons",
            "windows.forms.messageboxicon", "windows.messageboxbutton", "windows.messageboximage", "io.filemode",
            "io.fileaccess", "io.fileshare", "io.seekorigin":
            self = .styles
        case "byte": self = .byte
        case "byte[]": self = .bytes
        case "char[]": self = .chars
        case "long[]", "int64[]": self = .longs
        case "double[]": self = .doubles
        case "bool[]", "boolean[]": self = .bools
        case "datetime[]": self = .dates
        case "guid[]": self = .guids
        case "data.datatable": self = .datatable
        case "data.datacolumn": self = .datacolumn
        case "text.encoding": self = .encoding
        case "text.utf8encoding": self = .utf8encoding
        case "security.cryptography.randomnumbergenerator", "security.cryptography.rngcryptoserviceprovider":
            self = .random
        case "globalization.cultureinfo", "cultureinfo": self = .culture
        case "net.servicepointmanager", "net.securityprotocoltype": self = .settings
        case "console": self = .console
        case "web.httputility": self = .webtext
        case "net.webutility": self = .webutility
        case "web.security.membership": self = .membership
        case "datetimekind": self = .datetimekind
        case "math": self = .math
        case "regex", "text.regularexpressions.regex": self = .regex
        case "convert": self = .convert
        case "void": self = .void
        case "string[]": self = .texts
        case "int[]", "int32[]": self = .ints
        case "switch", "switchparameter", "management.automation.switchparameter": self = .toggle
        case let name where name.hasPrefix("nullable[") && name.hasSuffix("]"):
            let base = PSType(written: String(name.dropFirst(9).dropLast()))
            guard let base, let optional = Self.optionals[base] else { return nil }
            self = optional
        case "scriptblock", "management.automation.scriptblock": self = .scriptblock
        case "psobject", "management.automation.psobject", "object[]?": self = .object
        case "management.automation.pscustomobject": self = .pscustomobject
        case "collections.hashtable": self = .hashtable
        case "management.automation.errorrecord": self = .errorrecord
        case "exception": self = .exception
        case "collections.idictionary", "collections.generic.idictionary[string,object]": self = .anytable
        case "collections.icollection": self = .anycollection
        case "collections.ilist": self = .anylist
        case "collections.ienumerable": self = .anysequence
        case "psobject[]", "pscustomobject[]", "hashtable[]": self = .array
        case "io.path": self = .path
        case "io.file": self = .file
        case "io.fileinfo": self = .fileinfo
        case "management.automation.host.choicedescription": self = .choice
        case "management.automation.host.choicedescription[]": self = .choices
        case "io.directory": self = .folder
        case "environment": self = .environment
        case "uri": self = .uri
        case "diagnostics.stopwatch": self = .stopwatch
        case "xml", "xml.xmldocument": self = .xml
        case "timezoneinfo": self = .timezone
        case "pscredential", "management.automation.pscredential": self = .credential
        case "securestring", "security.securestring": self = .securestring
        default:
            guard let exception = ExceptionType.named(written).flatMap(PSType.init(rawValue:)) else { return nil }
            self = exception
        }
    }

    /// Returns the digest that one of .NET's classes computes; `nil` for other names.
    private static func digest(named name: Substring) -> PSType? {
        let ends = ["managed", "cryptoserviceprovider", "cng"]
        let end = ends.first { name.hasSuffix($0) } ?? ""
        return switch name.dropLast(end.utf8.count) {
        case "md5": .md5
        case "sha1": .sha1
        case "sha256": .sha256
        case "sha384": .sha384
        case "sha512": .sha512
        case "hmacsha256" where end.isEmpty: .keyedsha256
        default: nil
        }
    }

    /// The full name of the exception type; `nil` for other types.
    var exceptionName: String? {
        self == .exception ? "System.Exception" : ExceptionType.isOne(rawValue) ? rawValue : nil
    }
}
