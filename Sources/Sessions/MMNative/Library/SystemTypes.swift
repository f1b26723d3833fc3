import PowerShellSyntax

/// .NET's static members about paths, files, folders, addresses and the machine. Files and folders are those of the
/// run. Paths are read as on Windows, where these scripts come from: both slashes are separators.
enum SystemTypes {
    // MARK: Properties

    /// Returns `[type]::name`; `nil` if the type has no such member here.
    static func property(_ type: PSType, _ name: String) -> PSValue? {
        switch (type, name.lowercased()) {
        case (.path, "directoryseparatorchar"), (.path, "altdirectoryseparatorchar"): .char(0x2F)
        case (.path, "pathseparator"): .char(0x3B)
        case (.environment, "newline"): .string("\n")
        // .NET says so on every system but Windows.
        case (.environment, "userinteractive"): .bool(true)
        case (.environment, let name): machine[name]
        case (.timezone, "local"): zone()
        case (.timezone, "utc"): zone(isUniversal: true)
        default: nil
        }
    }

    /// The properties of `[Environment]` that tell of the machine, in lower case, with values for a machine that isn't
    /// named.
    private static let machine: [String: PSValue] = [
        "username": .string("user"), "machinename": .string("localhost"), "userdomainname": .string("localhost"),
        "currentdirectory": .string("."), "is64bitprocess": .bool(true), "is64bitoperatingsystem": .bool(true),
        "processorcount": .int(1), "tickcount": .int(600_000), "tickcount64": .long(600_000),
        "systemdirectory": .string(""), "hasshutdownstarted": .bool(false), "version": .version([8, 0, 0]),
        "osversion": system,
    ]

    private static let system: PSValue =
        PSObject(
            [
                ("Platform", .string("Unix")), ("ServicePack", .string("")), ("Version", .version([6, 1, 0, 0])),
                ("VersionString", .string("Unix 6.1.0.0")),
            ], typeName: "System.OperatingSystem", isCustom: false, isListable: true
        ).map { .object($0) } ?? .null

    /// Returns whether a static property tells of the machine, of which a run here knows nothing.
    static func isOfMachine(_ name: String) -> Bool { machine[name.lowercased()] != nil }

    // MARK: Calls

    /// Calls a static method; `nil` if the type has none of that name here.
    static func call(
        _ type: PSType, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        switch type {
        case .path: return try path(method, try texts(arguments))
        case .uri: return try address(method, arguments)
        case .timezone: return try time(method, arguments)
        case .environment:
            guard let host = evaluator.host else { return nil }
            return try environment(method, try texts(arguments), host, evaluator)
        case .file:
            guard let host = evaluator.host, let first = arguments.first else { return nil }
            return try file(method, try PSText.string(first), Array(arguments.dropFirst()), host)
        case .folder:
            guard let host = evaluator.host else { return nil }
            return try folder(method, try texts(arguments), host)
        default: return try ProcessTypes.call(type, method, arguments, in: evaluator)
        }
    }

    private static func texts(_ arguments: [PSValue]) throws(Interrupt) -> [String] {
        var texts: [String] = []
        for argument in arguments {
            // Combine accepts a list as well.
            for item in Cmdlets.list(argument.plain) { texts.append(try PSText.string(item)) }
        }
        return texts
    }

    private static func isSlash(_ character: Character) -> Bool { character == "/" || character == "\\" }

    static func isRooted(_ path: String) -> Bool {
        if let first = path.first, isSlash(first) { return true }
        return path.count >= 2 && path.first?.isLetter == true && path.dropFirst().first == ":"
    }

    private static func path(_ method: String, _ texts: [String]) throws(Interrupt) -> PSValue? {
        let first = texts.first ?? ""
        let leafStart = first.lastIndex(where: isSlash).map { first.index(after: $0) } ?? first.startIndex
        let leaf = first[leafStart...]
        let dot = leaf.lastIndex(of: ".")
        switch (method, texts.count) {
        case ("combine", 1...), ("join", 1...):
            var joined = ""
            for text in texts where !text.isEmpty {
                if method == "combine", isRooted(text) {
                    joined = text
                } else {
                    joined += joined.isEmpty || joined.last.map(isSlash) == true ? text : "/" + text
                }
            }
            return .string(joined)
        case ("getfilename", 1): return .string(String(leaf))
        case ("getfilenamewithoutextension", 1): return .string(String(dot.map { leaf[..<$0] } ?? leaf))
        case ("getextension", 1): return .string(dot.map { leaf[$0...].count > 1 ? String(leaf[$0...]) : "" } ?? "")
        case ("hasextension", 1): return .bool(dot.map { leaf[$0...].count > 1 } ?? false)
        case ("changeextension", 2):
            let stem = first[..<leafStart] + (dot.map { leaf[..<$0] } ?? leaf)
            return .string(stem + (texts[1].isEmpty || texts[1].hasPrefix(".") ? texts[1] : "." + texts[1]))
        case ("getdirectoryname", 1):
            guard leafStart > first.startIndex else { return .string("") }
            return .string(String(first[..<first.index(before: leafStart)]))
        case ("ispathrooted", 1), ("ispathfullyqualified", 1): return .bool(isRooted(first))
        case ("getfullpath", 1):
            // Dots are left out; a relative path stays one, from the run's own folder.
            let parts = first.split(omittingEmptySubsequences: false, whereSeparator: isSlash).dropFirst()
            guard parts.contains(where: { ["", ".", ".."].contains($0) }) else { return .string(first) }
            let whole = RunFiles.parts(of: first).joined(separator: "/")
            let start = isRooted(first) ? first.first.map(isSlash) == true ? "/" : first.prefix(2) + "/" : ""
            return .string(whole.isEmpty && start.isEmpty ? "." : start + whole)
        case ("getpathroot", 1):
            guard isRooted(first) else { return .string("") }
            return .string(String(first.prefix(first.dropFirst().first == ":" ? 3 : 1)))
        case ("gettemppath", 0): return .string("Temp/")
        case ("gettempfilename", 0), ("getrandomfilename", 0):
            let letters = "abcdefghijklmnopqrstuvwxyz0123456789"
            let name = String((0..<8).compactMap { _ in letters.randomElement() })
            return .string(method == "gettempfilename" ? "Temp/tmp\(name).tmp" : "\(name).tmp")
        case ("getinvalidfilenamechars", 0), ("getinvalidpathchars", 0):
            return .array("\"<>|:*?\\/".utf16.map { .char($0) })
        default: return nil
        }
    }

    private static func environment(
        _ method: String, _ texts: [String], _ host: NativeHost, _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        switch (method, texts.count) {
        case ("getfolderpath", 1):
            let folders = [
                "desktop": "Home/Desktop", "desktopdirectory": "Home/Desktop", "mydocuments": "Home/Documents",
                "personal": "Home/Documents", "userprofile": "Home",
            ]
            return .string(host.folder.rooted(folders[texts[0].lowercased()] ?? "Temp"))
        case ("getenvironmentvariable", 1...2): return evaluator.environment(texts[0], of: host)
        case ("setenvironmentvariable", 2...3):
            // Those of a person or a machine are others than the process's.
            if texts.count == 2 || ["process", "0"].contains(texts[2].lowercased()) {
                evaluator.environment[texts[0].lowercased()] = texts[1]
            }
            return .nothing
        case ("expandenvironmentvariables", 1):
            // An unknown name remains as it is, with its signs; the sign after it may begin another one.
            var parts = texts[0].split(separator: "%", omittingEmptySubsequences: false).map(String.init)[...]
            var expanded = parts.removeFirst()
            while let name = parts.popFirst() {
                if !parts.isEmpty, case .string(let value) = evaluator.environment(name, of: host) {
                    expanded += value + parts.removeFirst()
                } else {
                    expanded += "%" + name
                }
            }
            return .string(expanded)
        default: return nil
        }
    }

    /// The methods that read a file, as messages name them; the others are constructors.
    private static let reading = ["ReadAllBytes", "ReadAllText", "ReadAllLines", "ReadLines", "OpenText"]

    /// Returns the content of a file that a method with a number of arguments reads.
    static func contents(
        of path: String, _ method: String, _ count: Int, _ host: NativeHost
    ) throws(Interrupt) -> [UInt8] {
        if let bytes = host.read(path) { return bytes }
        guard !host.isFolder(path) else { throw .handOver("a folder that is read as a file") }
        let hasFolder = host.isFolder(RunFiles.parts(of: path).dropLast().joined(separator: "/"))
        let cause = hasFolder ? "Could not find file" : "Could not find a part of the path"
        let name = reading.first { $0.lowercased() == method } ?? ".ctor"
        throw .statement(
            NativeError(
                hasFolder ? "FileNotFoundException" : "DirectoryNotFoundException",
                "Exception calling \"\(name)\" with \"\(count)\" argument(s): \"\(cause) '\(path)'.\"",
                isReadable: true))
    }

    private static func file(
        _ method: String, _ path: String, _ rest: [PSValue], _ host: NativeHost
    ) throws(Interrupt) -> PSValue? {
        func content() throws(Interrupt) -> [UInt8] { try contents(of: path, method, 1 + rest.count, host) }
        func lines(_ value: PSValue) throws(Interrupt) -> String {
            var text = ""
            for item in Cmdlets.list(value.plain) { text += try PSText.string(item) + "\n" }
            return text
        }
        switch (method, rest.count) {
        case ("exists", 0): return .bool(host.hasFile(path))
        case ("readallbytes", 0): return .array(try content().map { .byte($0) })
        case ("readalltext", 0...1): return .string(try Encodings.read(try content(), in: rest.first))
        case ("readalllines", 0...1):
            let text = try Encodings.read(try content(), in: rest.first)
            return .array(FileText.lines(of: text).map { .string($0) })
        case ("writealltext", 1...2), ("appendalltext", 1...2), ("writealllines", 1...2), ("appendalllines", 1...2):
            let appends = method.hasPrefix("append")
            let text = method.hasSuffix("text") ? try PSText.string(rest[0]) : try lines(rest[0])
            let bytes = try Encodings.file(
                text, inObject: rest.dropFirst().first, begins: !appends || !host.hasFile(path))
            try host.write(bytes, to: path, isAppending: appends)
            return .nothing
        case ("writeallbytes", 1):
            try host.write(try LibraryTypes.bytes(rest[0]), to: path, isAppending: false)
            return .nothing
        case ("delete", 0):
            host.remove(path)
            return .nothing
        default: return nil
        }
    }

    private static func folder(_ method: String, _ texts: [String], _ host: NativeHost) throws(Interrupt) -> PSValue? {
        switch (method, texts.count) {
        case ("exists", 1): return .bool(host.isFolder(texts[0]))
        case ("createdirectory", 1):
            host.makeFolder(texts[0])
            return HostCommands.fileObject(texts[0], size: 0, isFolder: true)
        case ("getcurrentdirectory", 0): return .string(".")
        default: return nil
        }
    }

    private static func address(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard let first = arguments.first else { return nil }
        let text = try PSText.string(first)
        if method == "iswellformeduristring", arguments.count == 2 {
            guard arguments[1].text.lowercased() == "absolute" else { return nil }
            return .bool(try Readings.read(text, as: .uri) != nil)
        }
        guard arguments.count == 1 else { return nil }
        switch method {
        case "new": return try Conversion.argument(first, to: .uri)
        case "escapedatastring":
            var escaped = ""
            for byte in text.utf8 {
                let scalar = Unicode.Scalar(byte)
                if byte < 0x80,
                    scalar.properties.isAlphabetic || (0x30...0x39).contains(byte) || "-_.~".utf8.contains(byte)
                {
                    escaped.unicodeScalars.append(scalar)
                } else {
                    let hex = String(byte, radix: 16, uppercase: true)
                    escaped += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
                }
            }
            return .string(escaped)
        case "unescapedatastring":
            var bytes: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "%"), rest.count >= 2,
                    let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            }
            return .string(String(decoding: bytes, as: UTF8.self))
        default: return nil
        }
    }

    // MARK: Time zones

    /// Returns the machine's time zone, or UTC.
    static func zone(isUniversal: Bool = false) -> PSValue {
        let offset = isUniversal ? 0 : PSZone.standardOffset
        let name = isUniversal || offset == 0 ? "UTC" : "UTC" + PSZone.text(offset, hasColon: true)
        let id = isUniversal ? "UTC" : PSZone.name ?? name
        return PSObject(
            [
                ("Id", .string(id)), ("HasIanaId", .bool(true)), ("DisplayName", .string("(\(name)) \(id)")),
                ("StandardName", .string(id)), ("DaylightName", .string(id)), ("BaseUtcOffset", .span(offset)),
                ("SupportsDaylightSavingTime", .bool(!isUniversal && PSZone.hasSummer)),
            ], typeName: "System.TimeZoneInfo", isCustom: false, isListable: true
        ).map { .object($0) } ?? .null
    }

    private static func time(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        if let answer = try NamedZone.call(method, arguments) { return answer }
        func isUniversal(_ zone: PSValue) throws(Interrupt) -> Bool {
            switch zone {
            case .object(let object):
                guard let id = object["Id"]?.text else { throw .handOver("an unusual time zone") }
                return id == "UTC" && PSZone.name != "UTC"
            case .string(let id) where id.lowercased() == "utc": return true
            default: throw .handOver("a time zone by its name")
            }
        }
        switch (method, arguments.count, arguments.first) {
        case ("converttimefromutc", 2, .date(let date)?):
            guard date.kind != .local else { throw .handOver("a local date as one of UTC") }
            let universal = PSDate(ticks: date.ticks, kind: .utc)
            guard try !isUniversal(arguments[1]) else { return .date(universal) }
            // .NET gives the result no kind if the zone isn't the machine's own.
            return .date(PSDate(ticks: universal.asLocal.ticks, kind: .unspecified))
        case ("converttimetoutc", 1, .date(let date)?): return .date(date.asUniversal)
        case ("findsystemtimezonebyid", 1, .string(let id)?):
            if id.lowercased() == "utc" { return zone(isUniversal: true) }
            guard id == PSZone.name else { throw .handOver("a time zone by its name") }
            return zone()
        default: return nil
        }
    }
}
