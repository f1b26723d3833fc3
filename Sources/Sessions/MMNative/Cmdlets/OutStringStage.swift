/// `Out-String`: the text of its input as a shell would display it.
final class OutStringStage: Stage {
    private let evaluator: Evaluator
    private let width: Int
    private let streams: Bool
    private let endsLines: Bool
    private var isScreen = false
    private var lines: [String] = []
    private var objects: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        width = command.count("Width") ?? 120
        streams = command.isSet("Stream")
        endsLines = !command.isSet("NoNewline")
        guard width >= 5, !(streams && !endsLines) else { throw .handOver("an unusual Out-String") }
    }

    private init(width: Int) {
        evaluator = Evaluator(source: [], variables: [:])
        self.width = width
        streams = true
        endsLines = true
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
        case .string, .int, .long, .bool, .char, .double, .decimal:
            let text = try PSText.string(item)
            guard objects.isEmpty, let own = DisplayCells.lines(text),
                own.allSatisfy({ DisplayCells.count($0) <= width && !$0.utf8.contains(0x09) })
            else { throw .handOver("text that wraps") }
            lines += own
        case .object(let object) where object.isCustom && object.isListable && !object.shape.names.isEmpty:
            guard lines.isEmpty else { throw .handOver("objects behind text") }
            objects.append(item)
        default: throw .handOver("showing \(item.typeName)")
        }
    }

    override func finish() throws(Interrupt) {
        if case .object(let first)? = objects.first {
            let isTable = first.view != nil || first.shape.names.count < 5
            let group =
                isTable
                ? try FormatStage.table(objects, [], nil, evaluator) : try FormatStage.list(objects, [], nil, evaluator)
            guard
                let own = FormattedBlock(isTable: isTable, groups: [group])
                    .lines(width: width, isScreen: isScreen)
            else {
                throw .handOver("a layout that wraps")
            }
            lines = own
        }
        if streams {
            for line in lines { try next(.string(line)) }
            return
        }
        try next(.string(lines.map { $0 + (endsLines ? "\n" : "") }.joined()))
    }
}
