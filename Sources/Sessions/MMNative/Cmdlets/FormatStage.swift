import MMCore

/// `Format-Table` and `Format-List` of custom objects.
final class FormatStage: Stage {
    private let evaluator: Evaluator
    private let isTable: Bool
    private let properties: [CalculatedProperty]
    private let grouping: CalculatedProperty?
    private let wraps: Bool
    /// Whether columns are as wide as their content, whatever the view says.
    private let fits: Bool
    private let hasHead: Bool
    /// Whether plain values are laid out like objects.
    private let isForced: Bool
    private var items: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        isTable = command.specification.name == "Format-Table"
        let known: Set = ["Property", "AutoSize", "Force", "GroupBy", "HideTableHeaders", "InputObject", "Wrap"]
        guard command.names.isSubset(of: known) else {
            throw .handOver("an unusual \(command.specification.name)")
        }
        wraps = command.isSet("Wrap")
        fits = command.isSet("AutoSize")
        hasHead = !command.isSet("HideTableHeaders")
        isForced = command.isSet("Force")
        var properties: [CalculatedProperty] = []
        for written in command.properties {
            properties.append(try CalculatedProperty(written, of: command.specification, in: evaluator))
        }
        self.properties = properties
        grouping = try command["GroupBy"].map { (written) throws(Interrupt) in
            guard case .string = written else { throw .handOver("an unusual -GroupBy") }
            return try CalculatedProperty(written, of: command.specification, in: evaluator)
        }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return }
        if case .table(let table) = item, table.hasOrder(orAny: evaluator.host != nil) {
            for entry in table.entryObjects { try process(entry) }
            return
        }
        switch item {
        case .object(let object) where FormattedBlock(item) == nil && isKnown(object): items.append(item)
        case _ where CellText.isPlain(item):
            guard !isForced else { throw .handOver("formatting the members of \(item.typeName)") }
            guard items.isEmpty else { throw .handOver("formatting \(item.typeName) behind objects") }
            try next(item)
        default: throw .handOver("formatting \(item.typeName)")
        }
    }

    /// Returns whether it is certain what is shown of an object: all properties of a custom object, and of another
    /// object those that were requested by name.
    private func isKnown(_ object: PSObject) -> Bool {
        if object.isDisplayable || showsFiles && object.isFile { return true }
        return !properties.isEmpty && properties.allSatisfy { if case .pattern = $0.source { false } else { true } }
    }

    /// Whether files are shown as a shell lists them.
    private var showsFiles: Bool { isTable && properties.isEmpty && grouping == nil }

    override func finish() throws(Interrupt) {
        guard !items.isEmpty else { return }
        if showsFiles, let files = FormatStage.files(items) {
            guard let value = FileListing.block(of: files).value else { throw .handOver("formatting") }
            return try next(value)
        }
        var groups: [FormattedBlock.Group] = []
        var title: String?
        var members: [PSValue] = []
        for item in items {
            var own: String?
            if let grouping {
                let label = FormatStage.shown(grouping.label ?? "", of: item)
                let value = try grouping.value(of: item, in: evaluator) ?? .null
                switch value {
                case .string, .int, .long, .bool: break
                default: throw .handOver("an unusual -GroupBy")
                }
                own = label + ": " + (try PSText.string(value))
            }
            if !members.isEmpty, own != title {
                groups.append(try group(members, title))
                members = []
            }
            title = own
            members.append(item)
        }
        groups.append(try group(members, title))
        var block = FormattedBlock(isTable ? .table : .list, groups: groups)
        block.isSized = fits
        guard let value = block.value else { throw .handOver("formatting") }
        try next(value)
    }

    /// Returns the files among objects that are all files or folders; `nil` for any others.
    static func files(_ items: [PSValue]) -> [PSObject]? {
        let files = items.compactMap { item -> PSObject? in
            if case .object(let object) = item, object.isFile { object } else { nil }
        }
        return files.isEmpty || files.count != items.count ? nil : files
    }

    private func group(_ items: [PSValue], _ title: String?) throws(Interrupt) -> FormattedBlock.Group {
        if isTable {
            var group = try FormatStage.table(items, properties, title, evaluator, fits: fits)
            group.hasHead = hasHead
            group.wraps = wraps
            return group
        }
        return try FormatStage.list(items, properties, title, evaluator)
    }

    /// Returns a property's name as the object spells it.
    private static func shown(_ name: String, of item: PSValue) -> String {
        guard case .object(let object) = item else { return name }
        return object.shape.place(of: name).map { object.shape.names[$0] } ?? object.declared?.spelling(of: name)
            ?? name
    }

    /// Returns what one object shows: labels, values, and the requested widths and alignments.
    private static func fields(
        _ item: PSValue, _ properties: [CalculatedProperty], _ limit: Int, isTable: Bool
    ) throws(Interrupt) -> [(label: String, property: CalculatedProperty)] {
        guard case .object(let object) = item else { return [] }
        func plain(_ name: String) throws(Interrupt) -> (String, CalculatedProperty) {
            (name, CalculatedProperty(name: name))
        }
        var fields: [(String, CalculatedProperty)] = []
        if properties.isEmpty, let view = object.view, isTable || view === CmdletView.ofEntries {
            return view.columns.map { column in
                var property = CalculatedProperty(name: column.name)
                property.alignment = column.alignment
                property.width = column.width > 0 ? column.width : nil
                return (column.name, property)
            }
        }
        if properties.isEmpty {
            let shape = isTable ? object.shape : object.whole.shape
            for name in shape.names.prefix(limit) { fields.append(try plain(name)) }
            return fields
        }
        for property in properties {
            switch property.source {
            case .pattern(let pattern):
                for name in object.whole.shape.names where try pattern.matches(name) {
                    fields.append(try plain(name))
                }
            case .name(let name):
                // A list omits properties that the object doesn't have.
                if !isTable, object.shape.place(of: name) == nil, object.declared?.spelling(of: name) == nil {
                    continue
                }
                let label = property.label ?? name
                fields.append((label == name ? shown(name, of: item) : label, property))
            case .block: fields.append((property.label ?? "", property))
            }
        }
        return fields
    }

    private static func value(
        _ property: CalculatedProperty, _ item: PSValue, _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        do throws(Interrupt) {
            return try property.value(of: item, in: evaluator) ?? .null
        } catch {
            if case .blockFailed = error { throw .handOver("an error in a column") }
            throw error
        }
    }

    /// Returns the text of one property of an object.
    static func cell(
        _ property: CalculatedProperty, _ item: PSValue, isTable: Bool, _ evaluator: Evaluator
    ) throws(Interrupt) -> String {
        let value = try value(property, item, evaluator)
        if let format = property.format { return try CellText.text(value, format: format) }
        return try CellText.text(value, isTable: isTable, evaluator)
    }

    /// Builds a table's rows with the columns of the first object.
    static func table(
        _ items: [PSValue], _ properties: [CalculatedProperty], _ title: String?, _ evaluator: Evaluator,
        fits: Bool = false
    ) throws(Interrupt) -> FormattedBlock.Group {
        guard let first = items.first else { throw .handOver("an empty table") }
        let fields = try fields(first, properties, 10, isTable: true)
        var columns: [FormattedBlock.Column] = []
        for field in fields {
            let usual = CellText.alignment(of: try value(field.property, first, evaluator))
            // Columns that fit what is in them have no width of their own.
            let width = fits ? 0 : field.property.width ?? 0
            columns.append(
                .init(label: field.label, alignment: field.property.alignment ?? usual, width: width))
        }
        guard !columns.isEmpty else { throw .handOver("a table without columns") }
        var rows: [[String]] = []
        for item in items {
            try evaluator.step()
            var row: [String] = []
            for field in fields {
                row.append(try cell(field.property, item, isTable: true, evaluator))
            }
            rows.append(row)
        }
        return .init(title: title, columns: columns, rows: rows)
    }

    /// Builds a list's rows, each with the properties of its own object.
    static func list(
        _ items: [PSValue], _ properties: [CalculatedProperty], _ title: String?, _ evaluator: Evaluator
    ) throws(Interrupt) -> FormattedBlock.Group {
        var group = FormattedBlock.Group(title: title, columns: [], rows: [])
        for item in items {
            try evaluator.step()
            let fields = try fields(item, properties, .max, isTable: false)
            var row: [String] = []
            for field in fields {
                row.append(try cell(field.property, item, isTable: false, evaluator))
            }
            group.rows.append(row)
            group.labels.append(fields.map(\.label))
        }
        return group
    }
}

/// The text of values in the cells of tables and lists.
enum CellText {
    /// How many elements of a list are shown unless the script says otherwise.
    static let usualLimit: Int32 = 4

    /// Returns how many elements of a list are shown in a script; a negative number stands for all.
    private static func limit(of evaluator: Evaluator) -> Int {
        guard case .int(let own)? = evaluator.scriptScope[Evaluator.limitName] else { return Int(usualLimit) }
        return own < 0 ? .max : Int(own)
    }

    /// Returns the text of a value; tables show fractions with two decimal places.
    static func text(_ value: PSValue, isTable: Bool, _ evaluator: Evaluator) throws(Interrupt) -> String {
        switch value {
        case .double, .single, .decimal:
            return isTable ? try NumberFormat.text(value, "F") : try PSText.string(value)
        case .array(let items):
            let limit = limit(of: evaluator)
            var texts: [String] = []
            for item in items.prefix(limit) {
                switch item {
                case .null, .nothing: texts.append("$null")
                case _ where isPlain(item), .date, .guid, .object: texts.append(try PSText.string(item))
                default: throw .handOver("a list of objects in a table")
                }
            }
            return "{" + texts.joined(separator: ", ") + (items.count > limit ? "\u{2026}" : "") + "}"
        case .table(let table) where table.isOrdered || table.count < 2:
            let limit = limit(of: evaluator)
            var texts: [String] = []
            for (key, value) in table.pairs.prefix(limit) {
                switch value {
                case .array, .list, .table:
                    guard evaluator.onlyReads else { throw .handOver("\(value.typeName) of a table in a table") }
                    texts.append("[\(key), \(value.typeName)]")
                default: texts.append("[\(key), \(try PSText.string(value))]")
                }
            }
            return "{" + texts.joined(separator: ", ") + (table.count > limit ? "\u{2026}" : "") + "}"
        case .list where evaluator.onlyReads: return try text(value.plain, isTable: isTable, evaluator)
        case .table, .block, .type: throw .handOver("\(value.typeName) in a table")
        default: return try PSText.string(value)
        }
    }

    /// Returns the text of a value in a format that a script gives: one with a place for the value, or only how to
    /// write it.
    static func text(_ value: PSValue, format: String) throws(Interrupt) -> String {
        let hasPlace = format.contains("{0") || format.contains("}")
        do throws(Interrupt) {
            return try TextOperators.format(hasPlace ? format : "{0:" + format + "}", [value])
        } catch {
            if case .statement = error { throw .handOver("a format that the value doesn't have") }
            throw error
        }
    }

    /// Returns whether a value stands for itself among objects: it is shown as its text, whatever is to be shown of it.
    static func isPlain(_ value: PSValue) -> Bool {
        switch value {
        case .string, .byte, .int, .long, .bool, .char, .single, .double, .decimal, .enumeration: true
        default: false
        }
    }

    /// Returns the alignment of a column with this first value.
    static func alignment(of value: PSValue) -> CellAlignment {
        if case .string = value { return .left }
        return isPlain(value) ? .right : .left
    }
}

/// `Out-String`: the text of its input as a shell would display it.
final class OutStringStage: Stage {
    private let evaluator: Evaluator
    private let width: Int
    private let streams: Bool
    private let endsLines: Bool
    /// Whether it shows what a script puts out, rather than being a command of it.
    private let isDisplay: Bool
    private var isScreen = false
    private var lines: [String] = []
    private var objects: [PSValue] = []
    /// The lines of text behind objects, each with the number of objects before it.
    private var remarks: [(row: Int, line: String)] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        width = command.count("Width") ?? FormattedBlock.usualWidth
        streams = command.isSet("Stream")
        endsLines = !command.isSet("NoNewline")
        isDisplay = false
        guard width >= 5, !(streams && !endsLines) else { throw .handOver("an unusual Out-String") }
    }

    private init(width: Int) {
        evaluator = Evaluator(source: [], variables: [:])
        // Nothing is sent by what is only shown.
        evaluator.onlyReads = true
        self.width = width
        streams = true
        endsLines = true
        isDisplay = true
    }

    /// Returns the lines that a shell displays for objects; `nil` where their layout isn't certain.
    static func lines(of objects: [PSValue], width: Int, isScreen: Bool) -> [String]? {
        let stage = OutStringStage(width: width)
        stage.isScreen = isScreen
        var lines: [String] = []
        stage.next = { (line) throws(Interrupt) in if case .string(let text) = line { lines.append(text) } }
        do throws(Interrupt) {
            for object in objects { try stage.process(object) }
            try stage.finish()
        } catch {
            return nil
        }
        return lines
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if let block = FormattedBlock(item) {
            guard objects.isEmpty, let own = block.lines(width: width) else { throw .handOver("a layout that wraps") }
            lines += own
            return
        }
        switch item {
        case _ where CellText.isPlain(item) || MergedMessages.isMessage(item):
            let own = try texts(of: item)
            if objects.isEmpty { lines += own } else { remarks += own.map { (objects.count, $0) } }
        case .object(let object) where object.isSecret:
            guard objects.isEmpty else { throw .handOver("showing \(item.typeName)") }
            lines.append(object.typeName)
        case .table(let table) where table.hasOrder(orAny: evaluator.host != nil):
            for entry in table.entryObjects { try process(entry) }
        case .object(let object) where object.isFile || object.isDisplayable && !object.shape.names.isEmpty:
            objects.append(item)
        // Nothing is not shown.
        case .null, .nothing: break
        default: throw .handOver("showing \(item.typeName)")
        }
    }

    /// Returns the lines of a text or message. Only a screen breaks a text; the command takes it as it is.
    private func texts(of item: PSValue) throws(Interrupt) -> [String] {
        let message = MergedMessages.shown(item)
        let text = if let message { message } else { try PSText.string(item) }
        guard let lines = DisplayCells.lines(text) else { throw .handOver("text with escape sequences") }
        if !isDisplay, message == nil { return [text] }
        guard lines.allSatisfy({ DisplayCells.count($0) <= width && !$0.utf8.contains(0x09) }) else {
            throw .handOver("text that wraps")
        }
        // Without the ends of lines, those within a text remain.
        return endsLines ? lines : [text]
    }

    override func finish() throws(Interrupt) {
        if let files = FormatStage.files(objects), remarks.isEmpty {
            guard let own = FileListing.block(of: files).lines(width: width, isScreen: isScreen) else {
                throw .handOver("a layout that wraps")
            }
            lines += own
        } else if case .object(let first)? = objects.first {
            guard !objects.contains(where: { FormatStage.files([$0]) != nil }) else {
                throw .handOver("files among other objects")
            }
            let isTable = first.view != nil || first.shape.names.count < 5
            var group =
                isTable
                ? try FormatStage.table(objects, [], nil, evaluator) : try FormatStage.list(objects, [], nil, evaluator)
            group.remarks = remarks
            guard
                let own = FormattedBlock(isTable ? .table : .list, groups: [group])
                    .lines(width: width, isScreen: isScreen)
            else {
                throw .handOver("a layout that wraps")
            }
            lines += own
        }
        if streams {
            for line in lines { try next(.string(line)) }
            return
        }
        try next(.string(lines.map { $0 + (endsLines ? "\n" : "") }.joined()))
    }
}
