import PowerShellSyntax

/// Files of the run.
extension HostCommands {
    static func exportCSV(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = try onlyPath(command)
        let appends = command.isSet("Append") && host.read(path) != nil
        var delimiter = ","
        if let given = command["Delimiter"] { delimiter = try PSText.string(given) }
        let stage = ToCSVStage(
            delimiter: delimiter, quotesAll: command["UseQuotes"]?.text.lowercased() != "asneeded",
            showsHeader: !appends && !command.isSet("NoHeader"))
        var text = ""
        stage.next = { (line) throws(Interrupt) in text += try PSText.string(line) + "\n" }
        for item in items where !item.isNull { try stage.process(item) }
        try stage.finish()
        try host.write(Array(text.utf8), to: path, isAppending: appends)
    }

    /// The lines that objects are shown as.
    static func lines(_ items: [PSValue], width: Int) throws(Interrupt) -> String {
        var text = ""
        var objects: [PSValue] = []
        func flush() throws(Interrupt) {
            guard !objects.isEmpty else { return }
            guard let lines = OutStringStage.lines(of: objects, width: width, isScreen: false) else {
                throw .handOver("the layout of \(objects[0].typeName)")
            }
            text += lines.map { $0 + "\n" }.joined()
            objects = []
        }
        for item in items {
            switch item {
            case .string(let line):
                try flush()
                text += line + "\n"
            case .null, .nothing: continue
            default: objects.append(item)
            }
        }
        try flush()
        return text
    }

    static func outFile(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var text = try lines(items, width: command["Width"]?.text.isEmpty == false ? 400 : 120)
        if command.isSet("NoNewline") { text = text.filter { $0 != "\n" } }
        try host.write(Array(text.utf8), to: try onlyPath(command), isAppending: command.isSet("Append"))
    }

    static func setContent(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var values = items
        if let value = command["Value"] { values = Cmdlets.list(value.plain) }
        var texts: [String] = []
        for value in values { texts.append(try PSText.string(value)) }
        let text = command.isSet("NoNewline") ? texts.joined() : texts.map { $0 + "\n" }.joined()
        try host.write(
            Array(text.utf8), to: try onlyPath(command), isAppending: command.specification.name == "Add-Content")
    }

    static func tee(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        if let name = command["Variable"] {
            try evaluator.set(try PSText.string(name).lowercased(), .collapsed(items))
        } else {
            let text = try lines(items, width: 120)
            try host.write(Array(text.utf8), to: try onlyPath(command), isAppending: command.isSet("Append"))
        }
        for item in items { try emit(item) }
    }

    /// The text of a file; what isn't UTF-8 is read as Windows wrote it.
    private static func text(
        _ path: String, _ command: BoundCommand, _ host: NativeHost
    ) throws(Interrupt) -> String {
        guard var bytes = host.read(path) else { throw missing(path, command) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        if bytes.starts(with: [0xFF, 0xFE]) {
            let units = stride(from: 2, to: bytes.count - 1, by: 2).map {
                UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
            }
            return String(decoding: units, as: UTF16.self)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func importCSV(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var paths = try paths(command)
        for item in items { paths.append(try PSText.string(item)) }
        let delimiter = command["Delimiter"]?.text.utf8.first ?? UInt8(ascii: ",")
        for path in paths {
            let stage = try FromCSVStage(
                delimiter: delimiter, names: Cmdlets.list(command["Header"]).map(\.text))
            var rows: [PSValue] = []
            stage.next = { (row) throws(Interrupt) in rows.append(row) }
            try stage.process(.string(try text(path, command, host)))
            try stage.finish()
            for row in rows { try emit(row) }
        }
    }

    static func getContent(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command) {
            let text = try text(path, command, host)
            if command.isSet("Raw") {
                try emit(.string(text))
                continue
            }
            var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
                .map(String.init)
            if lines.last?.isEmpty == true { lines.removeLast() }
            if case .int(let count)? = command["TotalCount"] { lines = Array(lines.prefix(Int(count))) }
            if case .int(let count)? = command["Tail"] { lines = Array(lines.suffix(Int(count))) }
            for line in lines { try emit(.string(line)) }
        }
    }

    static func testPath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let paths = try paths(command) + items.map(\.text)
        for path in paths {
            var found = host.exists(path)
            if path.contains("*") { found = try !host.files(like: path, in: evaluator).isEmpty }
            switch command["PathType"]?.text.lowercased() {
            case "leaf"?: found = host.read(path) != nil
            case "container"?: found = host.isFolder(path)
            default: break
            }
            try emit(.bool(found))
        }
    }

    static func newItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var path = try paths(command).first ?? "."
        if let name = command["Name"] { path += "/" + (try PSText.string(name)) }
        let kind =
            command["ItemType"]?.text.lowercased() ?? (command.written?.lowercased() == "mkdir" ? "directory" : "file")
        if kind.hasPrefix("d") || command.written?.lowercased() == "md" {
            host.makeFolder(path)
            return try emit(fileObject(path, size: 0, isFolder: true))
        }
        guard kind == "file" else { throw .handOver("New-Item of a \(kind)") }
        let text = try command["Value"].map { (value) throws(Interrupt) in try PSText.string(value) } ?? ""
        try host.write(Array(text.utf8), to: path, isAppending: false)
        try emit(fileObject(path, size: text.utf8.count, isFolder: false))
    }

    static func removeItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command) {
            if path.contains("*") {
                for file in try host.files(like: path, in: evaluator) { host.remove(file.path) }
                continue
            }
            guard host.exists(path) else { throw missing(path, command) }
            host.remove(path)
        }
    }

    static func joinPath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        var children: [String] = []
        for name in ["ChildPath", "AdditionalChildPath"] {
            for value in Cmdlets.list(command[name]) { children.append(try PSText.string(value)) }
        }
        for path in try paths(command, ["Path"]) + items.map(\.text) {
            var joined = path
            for child in children {
                while joined.hasSuffix("/") || joined.hasSuffix("\\") { joined.removeLast() }
                joined += "/" + child.drop { $0 == "/" || $0 == "\\" }
            }
            try emit(.string(joined))
        }
    }

    static func splitPath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command) + items.map(\.text) {
            let parts = path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.map(String.init)
            let leaf = parts.last ?? path
            let dot = leaf.lastIndex(of: ".")
            if command.isSet("Leaf") {
                try emit(.string(leaf))
            } else if command.isSet("LeafBase") {
                try emit(.string(dot.map { String(leaf[..<$0]) } ?? leaf))
            } else if command.isSet("Extension") {
                try emit(.string(dot.map { String(leaf[$0...]) } ?? ""))
            } else {
                try emit(.string(parts.dropLast().joined(separator: "/")))
            }
        }
    }

    static func resolvePath(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command) {
            guard host.exists(path) || NativeHost.key(path).isEmpty else { throw missing(path, command) }
            try emit(command.specification.name == "Convert-Path" ? .string(path) : try pathObject(path))
        }
    }

    static func getItems(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let paths = try paths(command)
        for path in paths.isEmpty ? ["."] : paths {
            if path.contains("*") {
                for file in try host.files(like: path, in: evaluator) {
                    try emit(fileObject(file.path, size: file.bytes.count, isFolder: false))
                }
            } else if let bytes = host.read(path) {
                try emit(fileObject(path, size: bytes.count, isFolder: false))
            } else if host.isFolder(path) || NativeHost.key(path).isEmpty {
                guard command.specification.name == "Get-ChildItem" else {
                    try emit(fileObject(path, size: 0, isFolder: true))
                    continue
                }
                let filter = try command["Filter"].map { (value) throws(Interrupt) in
                    try evaluator.wildcard(try PSText.string(value), ignoringCase: true)
                }
                for file in host.files(in: path) where try filter?.matches(file.name) ?? true {
                    try emit(fileObject(file.path, size: file.bytes.count, isFolder: false))
                }
            } else {
                throw missing(path, command)
            }
        }
    }

    /// Nothing is opened in a run without a screen: a file of the run is handed over with the answer anyway.
    static func openItem(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        for path in try paths(command) where host.read(path) == nil {
            evaluator.say("Not opened here: \(path)")
        }
    }
}
