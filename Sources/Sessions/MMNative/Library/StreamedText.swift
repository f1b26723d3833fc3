import PowerShellSyntax

/// .NET's readers and writers of text, `StreamReader`, `StreamWriter`, `StringReader` and `StringWriter`, over files of
/// the run, texts and a `MemoryStream`.
enum StreamedText {
    private static let readerType = "System.IO.StreamReader"
    private static let writerType = "System.IO.StreamWriter"
    private static let textWriterType = "System.IO.StringWriter"
    private static let memoryType = "System.IO.MemoryStream"
    /// The properties that store what is read, the bytes of it that were, what was written, and where it goes. Scripts
    /// can't write these names.
    private static let (source, done, written, place) = ("\u{0}source", "\u{0}done", "\u{0}written", "\u{0}place")

    /// Returns a new stream; `nil` for other types, methods and arguments.
    static func made(
        _ type: PSType, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        guard let host = evaluator.host else { return nil }
        switch (type, method, arguments.count) {
        case (.textreader, "new", 1): return reader(of: arguments[0].text, "System.IO.StringReader")
        case (.textwriter, "new", 0):
            return object([(written, .list(PSList(.arrayList)))], textWriterType)
        case (.memory, "new", 0...1):
            let bytes: [PSValue] = try arguments.isEmpty ? [] : LibraryTypes.bytes(arguments[0]).map { .byte($0) }
            return object([("Position", .long(0)), (written, .list(PSList(.arrayList, bytes)))], memoryType)
        case (.filereader, "new", 1...3), (.file, "opentext", 1):
            if case .object(let stream) = arguments[0], let bytes = bytes(of: stream) {
                return reader(of: FileText.read(bytes), readerType)
            }
            let encoding = arguments.dropFirst().first { if case .object = $0 { true } else { false } }
            let content = try SystemTypes.contents(of: arguments[0].text, method, arguments.count, host)
            return reader(of: try Encodings.read(content, in: encoding), readerType)
        case (.file, "readlines", 1...2):
            let content = try SystemTypes.contents(of: arguments[0].text, method, arguments.count, host)
            let text = try Encodings.read(content, in: arguments.dropFirst().first)
            return .array(FileText.lines(of: text).map { .string($0) })
        case (.filewriter, "new", 1...4), (.file, "createtext", 1), (.file, "appendtext", 1):
            if case .object(let stream) = arguments[0] {
                guard bytes(of: stream) != nil else { return nil }
                return object([("AutoFlush", .bool(true)), (place, arguments[0])], writerType)
            }
            let (path, encoding) = (arguments[0].text, arguments.dropFirst(2).first)
            // What is written later is written in UTF-8.
            guard try Encodings.file("\u{E9}", inObject: encoding, begins: false) == Array("\u{E9}".utf8) else {
                throw .handOver("a writer in another encoding")
            }
            let appends = method == "appendtext" || arguments.count > 1 && arguments[1].isTrue
            if !appends || !host.hasFile(path) {
                try host.write(
                    try Encodings.file("", inObject: encoding, begins: true), to: path, isAppending: false)
            }
            return object([("AutoFlush", .bool(false)), (place, .string(path))], writerType)
        default: return nil
        }
    }

    private static func object(_ pairs: [(String, PSValue)], _ type: String) -> PSValue? {
        PSObject(pairs, typeName: type, isCustom: false).map { .object($0) }
    }

    private static func reader(of text: String, _ type: String) -> PSValue? {
        object([(source, .string(text)), (done, .long(0))], type)
    }

    /// Returns what a reader has not read yet.
    private static func rest(of reader: PSObject) -> Substring {
        guard case .string(let text)? = reader[source], case .long(let count)? = reader[done] else { return "" }
        return text[text.utf8.index(text.startIndex, offsetBy: Int(count))...]
    }

    /// Returns the bytes of a `MemoryStream`; `nil` for any other object.
    private static func bytes(of object: PSObject) -> [UInt8]? {
        guard object.typeName == memoryType, case .list(let list)? = object[written] else { return nil }
        return list.items.compactMap { if case .byte(let byte) = $0 { byte } else { nil } }
    }

    /// Returns a property of a stream; `nil` for other objects and names.
    static func property(_ object: PSObject, _ name: String) -> PSValue? {
        switch (object.typeName, name.lowercased()) {
        case (readerType, "endofstream"): return .bool(rest(of: object).isEmpty)
        case (memoryType, "length"): return bytes(of: object).map { .long(Int64($0.count)) }
        case (memoryType, "canread"), (memoryType, "canwrite"), (memoryType, "canseek"): return .bool(true)
        case (writerType, "basestream"): return object[place]
        default: return nil
        }
    }

    /// Calls a method of a stream; `nil` for other objects and names.
    static func call(
        _ object: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        switch object.typeName {
        case readerType, "System.IO.StringReader": return read(object, method, arguments)
        case memoryType: return try remember(object, method, arguments)
        case writerType, textWriterType: break
        default: return nil
        }
        switch (method, arguments.count) {
        case ("write", 1...), ("writeline", 0...):
            var text = try arguments.first.map { (value) throws(Interrupt) in try PSText.string(value) } ?? ""
            if arguments.count > 1 { text = try TextOperators.format(text, Array(arguments.dropFirst())) }
            if method == "writeline" { text += "\n" }
            try put(text, object, evaluator)
            return .nothing
        case ("tostring", 0):
            guard case .list(let list)? = object[written] else { return nil }
            return .string(try StepBound.joined(list.items.map(\.text)))
        case ("flush", 0), ("close", 0), ("dispose", 0): return .nothing
        default: return nil
        }
    }

    private static func put(_ text: String, _ object: PSObject, _ evaluator: Evaluator) throws(Interrupt) {
        switch object[place] {
        case .string(let path)?: try evaluator.host?.write(Array(text.utf8), to: path, isAppending: true)
        case .object(let stream)?:
            guard case .list(let list)? = stream[written] else { return }
            try remember(text.utf8, in: list)
        default:
            guard case .list(let list)? = object[written] else { return }
            list.items.append(.string(text))
        }
    }

    private static func read(_ object: PSObject, _ method: String, _ arguments: [PSValue]) -> PSValue? {
        let text = rest(of: object)
        func pass(_ count: Int) {
            guard case .long(let before)? = object[done] else { return }
            _ = object.set(done, .long(before + Int64(count)))
        }
        switch (method, arguments.count) {
        case ("readline", 0):
            guard !text.isEmpty else { return .null }
            let line = text.prefix { $0 != "\n" && $0 != "\r\n" && $0 != "\r" }
            let end = text[line.endIndex...].first.map { String($0).utf8.count } ?? 0
            pass(line.utf8.count + end)
            return .string(String(line))
        case ("readtoend", 0):
            pass(text.utf8.count)
            return .string(String(text))
        case ("read", 0), ("peek", 0):
            guard let scalar = text.unicodeScalars.first else { return .int(-1) }
            // Half a character has no place in the text.
            guard let unit = UInt16(exactly: scalar.value) else { return nil }
            if method == "read" { pass(String(scalar).utf8.count) }
            return .int(Int32(unit))
        case ("close", 0), ("dispose", 0): return .nothing
        default: return nil
        }
    }

    private static func remember(_ bytes: some Collection<UInt8>, in list: PSList) throws(Interrupt) {
        try StepBound.count(list.items.count + bytes.count, "a long stream")
        list.items += bytes.map { .byte($0) }
    }

    private static func remember(
        _ object: PSObject, _ method: String, _ arguments: [PSValue]
    ) throws(Interrupt) -> PSValue? {
        guard case .list(let list)? = object[written] else { return nil }
        switch (method, arguments.count) {
        case ("toarray", 0): return .array(list.items)
        case ("write", 3):
            guard case .int(let start) = arguments[1], case .int(let count) = arguments[2], start >= 0, count >= 0
            else {
                return nil
            }
            try remember(try LibraryTypes.bytes(arguments[0]).dropFirst(Int(start)).prefix(Int(count)), in: list)
            return .nothing
        case ("flush", 0), ("close", 0), ("dispose", 0), ("seek", 2): return .nothing
        default: return nil
        }
    }
}
