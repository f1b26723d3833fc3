import MMCore
import MMNative
import MMPowerShell

/// The output of the native engine.
struct NativeAnswer: Sendable {
    /// The output streams.
    let result: NativeResult
    /// The account that it ran as.
    let account: String
    /// The messages for the user.
    let information: [String]
    /// The error that interrupted the script from outside: of the service, the caller or the deadline.
    var interruption: MMError?
    /// The maximum width of text output in columns; `nil` for no limit.
    var width: Int?
    /// Whether it wrote files, so that it isn't empty without objects.
    var hasFiles = false
    /// The original errors of the records of refused cmdlets.
    var causes: [NativeError: MMError] = [:]

    /// Returns the answer for the caller.
    /// - Throws: `remote_failed` with the error's message when an exception ended the script, or when it returned only
    ///   errors.
    func operationAnswer(of input: RunInput, connection: String) throws(MMError) -> OperationAnswer {
        let isText = input.output == "text"
        let values = isText ? [] : result.objects.map { $0.json(depth: input.depth ?? 3) }
        let text =
            isText ? TerminalText.plain(NativeText.shown(result.objects, result.messages, width: width)) : ""
        if let failure = failure(after: isText ? text.isEmpty ? [] : [.string(text)] : values) { throw failure }
        let told = (isText ? [] : result.information) + information
        var notes = [EngineRemark.native] + Self.shortened(told + Self.troubles(result))
        if isText, let note = NativeText.note(on: result.objects) { notes.append(note) }
        var answer = OperationAnswer(
            isText ? .text(text) : .value(.array(values)), notes: notes, connection: connection)
        answer.errors = result.errors.map { ReportedError($0) }
        if let code = result.exitCode { answer.exitStatus = code }
        return answer
    }

    /// Returns the error for the caller, if something ended the script early or it returned only errors.
    /// - Parameter output: the output before the error.
    func failure(after output: [JSONValue]) -> MMError? {
        if let interruption { return interruption.ofLaterRequest.withOutput(output) }
        // A script that sets its exit code has handled its errors.
        let isSilent = result.objects.isEmpty && result.messages.isEmpty && !hasFiles && result.exitCode == nil
        let alone = isSilent ? result.errors.first : nil
        guard let ending = result.failure ?? alone else { return nil }
        var details: JSONObject = [
            "engine": "native", "id": .string(ending.id), "account": .string(account),
            "errors": .array(
                (result.errors + [result.failure].compactMap(\.self)).prefix(RepeatedLines.most).map {
                    .object(ReportedError($0).json)
                }),
        ]
        if let category = ending.category { details["category"] = .string(category) }
        if let command = ending.command { details["cmdlet"] = .string(command) }
        if var cause = causes[ending]?.ofLaterRequest {
            for (key, value) in details { cause.details[key] = value }
            let others = notes(without: ending)
            cause.hint = [cause.hint, others].compactMap(\.self).joined(separator: "\n")
            if cause.hint?.isEmpty == true { cause.hint = nil }
            return cause.withOutput(output)
        }
        let place = ending.command.map { "\($0): " } ?? ""
        return MMError(
            ending.category == "ObjectNotFound" ? .notFound : .remoteFailed, place + ending.message,
            hint: notes(without: ending), details: details
        ).withOutput(output)
    }

    /// Returns the lines of a script's other streams: information, warnings and errors.
    static func streams(of result: NativeResult) -> [String] { shortened(result.information + troubles(result)) }

    private static func troubles(_ result: NativeResult) -> [String] {
        result.warnings.map(RepeatedLines.warning(_:)) + result.errors.map { ReportedError.mark + $0.message }
    }

    private static func shortened(_ lines: [String]) -> [String] {
        RepeatedLines.counted(lines).map(TerminalText.plain)
    }

    private func notes(without ending: NativeError) -> String? {
        let others =
            result.warnings.map(RepeatedLines.warning(_:))
            + result.errors.filter { $0 != ending }.map { ReportedError.mark + $0.message }
        return others.isEmpty ? nil : RepeatedLines.counted(others).joined(separator: "\n")
    }
}

extension ReportedError {
    /// Creates the error of a script of the native engine.
    init(_ error: NativeError) {
        self.init(error.message, id: error.id, category: error.category, cmdlet: error.command)
    }
}

/// Formats objects as PowerShell does: objects with up to four properties in columns, those with more as lists, and
/// those of cmdlets that define columns in these. Values are not cut, except in tables wider than the screen.
enum NativeText {
    /// A width that no table reaches.
    private static let unlimited = 65_536

    /// Returns the text of a script's output.
    /// - Parameters:
    ///   - messages: what the script tells beside its objects, each with the number of objects before it. Within the
    ///     rows of one table a message goes before the table, which a console also shows once it knows the widths.
    ///   - width: the maximum width of a table in columns; `nil` for no limit.
    static func shown(
        _ objects: [PSValue], _ messages: [(text: String, place: Int)] = [], width: Int? = nil
    ) -> String {
        var text = NativeLines()
        var group: [PSObject] = []
        func close() {
            guard let first = group.first else { return }
            text.add(block: lines(of: group, first, width))
            group = []
        }
        func add(_ value: PSValue) {
            switch value {
            case .object(let object):
                let isAlone = object.shape.names.isEmpty
                if let first = group.first, isAlone || !areTogether(first, object) { close() }
                if isAlone { text.add(line: value.text) } else { group.append(object) }
            case .array(let items): for item in items { add(item) }
            case .table(let table):
                close()
                text.add(block: lines(of: table))
            case .date(let date):
                close()
                text.add(line: date.formatted("F") ?? value.text)
            case .null, .nothing: close()
            default:
                close()
                text.add(line: value.text)
            }
        }
        func continues(_ value: PSValue) -> Bool {
            guard case .object(let object) = value, let first = group.first else { return false }
            return !object.shape.names.isEmpty && areTogether(first, object)
        }
        var told = messages[...]
        for (place, value) in objects.enumerated() {
            if told.first?.place == place, !continues(value) { close() }
            while let message = told.first, message.place == place {
                text.add(line: message.text)
                told.removeFirst()
            }
            add(value)
        }
        close()
        for message in told { text.add(line: message.text) }
        return text.lines.joined(separator: "\n")
    }

    /// Returns whether two objects are rows of one table or list.
    private static func areTogether(_ one: PSObject, _ other: PSObject) -> Bool {
        one.shape.names == other.shape.names || one.isFile && other.isFile
    }

    /// Returns the lines of objects with the same properties.
    private static func lines(of group: [PSObject], _ first: PSObject, _ width: Int?) -> [String] {
        let names = first.view?.columns.map(\.name) ?? first.shape.names
        if first.view == nil,
            let lines = PSValue.lines(
                of: group.map { .object($0) }, width: width ?? unlimited, isScreen: width != nil)
        {
            return lines
        }
        let rows = group.map { object in names.map { object[$0].map(cell) ?? "" } }
        guard first.view != nil || names.count <= 4 else { return list(names, rows) }
        let all = [names, names.map { String(repeating: "-", count: $0.count) }] + rows
        let table =
            width.map { TableText(widths: TableText.narrowed(TableText.widths(of: all), to: $0)) }
            ?? TableText(fitting: all, limit: .max)
        return all.map { table.line($0) }
    }

    private static func list(_ names: [String], _ rows: [[String]]) -> [String] {
        let widest = names.map(\.count).max() ?? 0
        return rows.flatMap { row in
            let lines = zip(names, row).map { name, cell in "\(name.padded(to: widest)) : \(cell)" }
            return [""] + lines
        }
    }

    /// Returns the lines of a hashtable, whose name column is thirty cells wide in PowerShell.
    private static func lines(of table: PSTable) -> [String] {
        func line(_ name: String, _ value: String) -> String {
            let text = name.padded(to: 30) + " " + value
            return String(text.reversed().drop { $0 == " " }.reversed())
        }
        return [line("Name", "Value"), line("----", "-----")] + table.pairs.map { line($0.key, cell($0.value)) }
    }

    /// Returns a note about properties that are not shown.
    static func note(on objects: [PSValue]) -> String? {
        for case .object(let object) in objects {
            guard let view = object.view, view.columns.count < object.shape.names.count else { continue }
            return
                "\(view.columns.count) of \(object.shape.names.count) properties are shown, the same ones as in PowerShell: "
                + "use Select-Object, Format-List or JSON output for the others."
        }
        return nil
    }

    private static func cell(_ value: PSValue) -> String {
        switch value {
        case .array(let items): some(items, cell)
        case .list: cell(value.plain)
        case .table(let table): some(table.pairs) { "[\($0.key), \(inEntry($0.value))]" }
        case .null, .nothing: ""
        default: value.text
        }
    }

    /// Returns the first four of several items, as PowerShell shows them in a cell.
    private static func some<Item>(_ items: [Item], _ text: (Item) -> String) -> String {
        "{\(items.prefix(4).map(text).joined(separator: ", "))\(items.count > 4 ? "…" : "")}"
    }

    /// Returns the text of a value within an entry of a dictionary: that of .NET, which has only the type of a
    /// collection.
    private static func inEntry(_ value: PSValue) -> String {
        switch value {
        case .array, .list, .table: value.typeName
        default: value.text
        }
    }
}

/// Lines in blocks: a table or a list is separated from its surroundings by empty lines.
private struct NativeLines {
    private(set) var lines: [String] = []
    private var endsBlock = false

    mutating func add(line: String) {
        if endsBlock { lines.append("") }
        endsBlock = false
        lines.append(line)
    }

    mutating func add(block: [String]) {
        var block = block[...]
        while block.first?.isEmpty == true { block.removeFirst() }
        while block.last?.isEmpty == true { block.removeLast() }
        if !lines.isEmpty { lines.append("") }
        lines += block
        endsBlock = true
    }
}

extension String {
    /// Returns the text padded with spaces.
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
