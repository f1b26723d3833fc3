import PowerShellSyntax

/// Receives each object that is emitted.
typealias Sink = (PSValue) throws(Interrupt) -> Void

/// The evaluation of one script's syntax tree, on one thread, for one run.
final class Evaluator {
    /// The UTF-16 units of the script being evaluated, for the pieces of expandable strings. While a block runs, they
    /// are those of the script that contains the block.
    private(set) var source: [UInt16]
    /// The variables of the running scope.
    var variables: Scope
    /// The functions that the script has defined so far, by lower-case name.
    var functions: [String: ScriptFunction] = [:]
    /// The depth of nested function calls.
    var calls = 0
    /// The depth of script blocks that run within each other.
    private var blocks = 0
    /// The scopes of the callers of the running function, outermost first.
    var frames: [Scope] = []
    /// The statements that the engine can't run, found before the script began, with the reasons.
    var unfit: [SourceExtent: String] = [:]
    /// The functions that the script has defined so far and whose definitions don't fit, by lower-case name, each with
    /// the reason.
    var unfitFunctions: [String: String] = [:]
    /// Whether the script changes nothing, so that it may use features that were never compared with a real PowerShell.
    var onlyReads = false
    /// The lower-case names that are known not to be commands.
    var missing: Set<String> = []
    /// The script itself.
    var script: ParsedScript?
    /// The script's questions whose answers don't matter.
    private(set) lazy var idleQuestions = script.map(IdleQuestions.init) ?? IdleQuestions()
    /// Whether the answer to the running statement's question isn't used.
    var isPause = false
    /// The parts of its machine that the script may use, such as its own files and questions; `nil` for none.
    var host: NativeHost?
    /// The variables of the environment that the script has set, by lower-case name; empty ones are gone.
    var environment: [String: String] = [:]
    /// The arguments of the running function that belong to no parameter.
    var rest: [PSValue] = []
    /// The parameters that the running function was given.
    var given: PSTable?
    /// The name of the running function.
    var functionName: String?
    /// The scopes outside the running parallel blocks, innermost last; `$using:` reads the last one.
    var outside: [Scope] = []
    /// Whether the last statement ended without an error; `nil` if that isn't certain.
    var hasSucceeded: Bool? = true
    /// The number of reported errors that didn't end their command, and the number of statement lists begun.
    var (reports, lists) = (0, 0)
    /// Where the messages of the running command go.
    var routes = MessageRoutes()
    /// The object whose script method runs, for `$this`.
    var receiver: PSValue?
    /// What becomes of the questions before changes of the running function or script.
    var questions = ScriptConfirmation.Questions.answered(true)
    /// The value of `$PSCmdlet`.
    var cmdlet: PSValue?
    /// The extent of the running statement.
    var position: SourceExtent?
    /// The errors of this run, latest first.
    let errors = PSList(.arrayList)
    /// The types of the elements of the typed arrays that were made so far.
    var typedElements: Set<String> = []
    /// The sizes of the lists that blocks of Select-Object put out so far.
    var outputSizes: Set<Int> = []
    /// The types and conditions of variables.
    var typed = TypedVariables()
    /// The names of the script's own parameters.
    var scriptParameters: [String] = []
    /// What the script declares about types; while code of a class runs, what that class's script declares.
    var scriptTypes = ScriptTypes.none
    /// The static properties of the script's classes, by the identity of the class and their lower-case name.
    var statics: [ObjectIdentifier: [String: PSValue]] = [:]
    /// The references to variables, by their identity.
    var referents: [ObjectIdentifier: Referent] = [:]
    /// The constructor that is running.
    var building: Building?
    /// Whether the running statements belong to a method itself, so that `return` gives the method's value.
    var isMethodBody = false
    /// The value of `$_`, if there is one.
    var current: PSValue?
    /// The receiver of all output.
    let delivery: OutputDelivery
    /// The sources of cmdlets whose objects come from outside the engine.
    let sources: [any CmdletSource]
    /// The variables whose values are known only to another engine.
    var foreignVariables: Set<String> = []
    /// The version of strict mode that the script asks for with `Set-StrictMode`; 0 for none.
    var strictness = 0
    /// The number of texts whose variables are being replaced.
    var openTexts = 0
    /// The resource limits of this run.
    let limits: NativeLimits
    private var patterns: [String: Pattern] = [:]
    private var wildcards: [String: Wildcard] = [:]

    init(
        source: [UInt16], variables: [String: PSValue], delivery: OutputDelivery = OutputDelivery(),
        sources: [any CmdletSource] = [], limits: NativeLimits = NativeLimits()
    ) {
        self.source = source
        self.limits = limits
        self.variables = Scope(variables)
        self.delivery = delivery
        self.sources = sources
    }

    /// Counts a step of work. Ends the evaluation if it was cancelled, or if a loop without input runs for too long.
    @inline(__always)
    func step() throws(Interrupt) {
        steps &+= 1
        if steps & 0xFF == 0 { try look() }
    }

    /// The depth of statements and blocks that collect output instead of emitting it at once.
    var collecting = 0
    /// The properties that some texts have in PowerShell beside their own, by lower-case name and text. Two equal texts
    /// may have different values of one property: it is then unknown which of them a text is.
    var besideTexts: [String: [String: PSValue?]] = [:]
    private var steps = 0
    /// The number of open `try` blocks, inside which an error ends more than its own statement.
    var tries = 0
    /// The errors whose `catch` blocks are running, innermost last.
    var caught: [NativeError] = []

    /// The unfinished line of a message.
    var begun = ""
    /// The variable that the running assignment sets.
    var assigning: String?
    private var rounds = 0
    private var roundsAfterHold = 0
    private var waitsAfterHold = 0
    /// The number of running loops that only their own condition ends.
    var openLoops = 0
    private var madeBytes = 0
    private var seenBytes = 0
    private var firstResident: Int?

    /// Checks the result of an operator or method against the limits, and counts its memory.
    func counted(_ value: PSValue) throws(Interrupt) -> PSValue {
        switch value {
        case .string(let text):
            guard text.utf8.count <= limits.textBytes else { throw .handOver("a long text") }
        case .array(let items):
            guard items.count <= limits.listItems || delivery.hasSent else { throw .handOver("a long list") }
        default: break
        }
        try note(value)
        return value
    }

    /// Limits the nesting of a value, and counts its memory, excluding values nested in it.
    func note(_ value: PSValue) throws(Interrupt) {
        let stride = MemoryLayout<PSValue>.stride
        switch value {
        case .string(let text): madeBytes &+= stride + text.utf8.count
        case .array(let items):
            try limited(value)
            madeBytes &+= stride + items.count &* stride
        case .object(let object): madeBytes &+= 4 * stride + object.values.count &* stride
        default: madeBytes &+= stride
        }
        if madeBytes &- seenBytes > limits.bytesBetweenLooks { try lookAtMemory() }
    }

    /// Whether enough memory was allocated that the heap may have grown.
    var hasMadeMuch: Bool { seenBytes > 0 }

    /// Ends the evaluation when it uses too much memory: it has allocated more than the limit, and the process has
    /// grown by more than the limit. That counts neither memory already freed nor, by itself, the growth that others
    /// cause.
    private func lookAtMemory() throws(Interrupt) {
        seenBytes = madeBytes
        let resident = limits.residentBytes()
        let first = firstResident ?? resident
        firstResident = first
        let most = delivery.hasSent ? limits.rowBytes : limits.memoryBytes
        if madeBytes > most, resident - first > most { throw .handOver("much memory") }
    }

    /// Evaluates code that belongs to a block's own script.
    func inside<Value>(
        _ block: PSBlock, _ body: () throws(Interrupt) -> Value
    ) throws(Interrupt) -> Value {
        guard blocks < Self.deepest else { throw .handOver("a deep recursion") }
        let outer = isMethodBody
        isMethodBody = false
        blocks += 1
        defer {
            blocks -= 1
            isMethodBody = outer
        }
        return try inside(block.source, body)
    }

    /// Evaluates code of a script with this text.
    func inside<Value>(
        _ text: [UInt16], _ body: () throws(Interrupt) -> Value
    ) throws(Interrupt) -> Value {
        let outer = source
        source = text
        defer { source = outer }
        do throws(Interrupt) {
            return try body()
        } catch {
            // A position in another script means nothing in this one.
            if text.count != outer.count { position = nil }
            throw error
        }
    }

    /// Counts an iteration of a loop that only its own condition ends.
    func round() throws(Interrupt) {
        rounds += 1
        if rounds > limits.rounds, !delivery.hasSent { throw .handOver("a long loop") }
        guard limits.holds() else { return }
        roundsAfterHold += 1
        if roundsAfterHold > limits.roundsAfterHold { throw .handOver(NativeEngine.waitsForHeld) }
    }

    /// Returns whether the script really waits. After a change that was held back there is nothing to wait for.
    func waits() throws(Interrupt) -> Bool {
        guard limits.holds() else { return true }
        // A loop over a list ends, however often it waits.
        guard openLoops > 0 else { return false }
        waitsAfterHold += 1
        if waitsAfterHold > limits.waitsAfterHold { throw .handOver(NativeEngine.waitsForHeld) }
        return false
    }

    /// Whether the evaluation was cancelled or its time is up.
    var isStopped: Bool { delivery.isStopped }

    /// Ends the evaluation if it was cancelled or its time is up.
    func look() throws(Interrupt) {
        if delivery.isStopped { throw .stopped }
        if steps > limits.steps, !delivery.hasSent { throw .handOver("a long computation") }
    }

    /// Returns the value of an expression.
    func value(of expression: ExpressionSyntax) throws(Interrupt) -> PSValue { try worth(of: expression).plain }

    /// Returns the value of an expression that is kept or sent down a pipeline, where no output and `$null` differ.
    func worth(of expression: ExpressionSyntax) throws(Interrupt) -> PSValue {
        switch expression {
        case .string(let node): return .string(node.value)
        case .number(let node): return try number(node.value)
        case .variable(let node): return try variable(node)
        case .expandableString(let node): return try counted(.string(try expanded(node)))
        case .member(let node):
            let name = try memberName(node.member)
            let target = try worth(of: node.target)
            if node.isStatic {
                if case .ownType(let type) = target { return try staticMember(name, of: type) }
                guard case .type(let type) = target else { throw .handOver("a static member of a value") }
                return try Statics.property(type, name, onlyReads: onlyReads)
            }
            if node.isNullConditional, target.isNull { return .null }
            // A plain truth value has no such property.
            if name.lowercased() == "ispresent", isSwitch(node.target) { return target }
            let found = try member(name, of: target)
            switch target {
            case .table, .list: return noteTyped(found)
            case .object(let object) where !object.isCustom: return noteTyped(found)
            default: return found
            }
        case .binary(let node): return try binary(node)
        case .unary(let node): return try unary(node)
        case .paren(let node): return try grouped(node)
        case .invokeMember(let node): return try call(node)
        case .index(let node):
            if let named = try namedProperty(node) { return named }
            let target = try worth(of: node.target)
            if node.isNullConditional, target.isNull { return .null }
            let index = try value(of: node.index)
            switch target {
            case .type, .ownType: throw .handOver("an index of a type")
            case .object(let row) where row.columns != nil: return row[try DataTable.name(index, of: row)] ?? .null
            case .object(let object):
                if let cells = try ExcelPackage.element(object, index) { return cells }
                if let attribute = try XMLNode.element(object, index) { return attribute }
            case .list(let list) where list.kind == .excelSheets:
                guard case .string(let name) = index else { break }
                return list.items.first { ExcelPackage.sheetName(of: $0)?.lowercased() == name.lowercased() } ?? .null
            case .list(let list) where list.kind.shape != .list: throw .handOver("an index of a set or queue")
            default: break
            }
            if case .table(let table) = target { try table.refuse(key: index) }
            try refuseIndex(index, of: target)
            let found = try Members.element(target.plain, index)
            // PowerShell takes places that are written one by one as several indexes, and not as a list of them.
            if case .string = target, case .arrayLiteral(let places) = node.index, case .array(let characters) = found,
                characters.count < places.elements.count
            {
                throw .handOver("characters that a text doesn't have")
            }
            return found
        case .arrayLiteral(let node):
            var items: [PSValue] = []
            items.reserveCapacity(node.elements.count)
            for element in node.elements {
                items.append(try worth(of: element))
            }
            return try limited(.array(items))
        case .array(let node):
            return try list(node)
        case .sub(let node):
            return .collapsed(try collected(node.block, leaving: .handsOn))
        case .hashtable(let node): return .table(try table(node, isOrdered: false))
        case .convert(let node): return try limited(try convert(node))
        case .ternary(let node):
            return try worth(of: try value(of: node.condition).isTrue ? node.ifTrue : node.ifFalse)
        case .scriptBlock(let node): return .block(PSBlock(node, in: source))
        case .type(let node):
            switch scriptTypes.named(node.typeName.fullName) {
            case .known(let type)?: return .type(type)
            case .own(let type)?: return .ownType(type)
            case .collection?, nil: throw .handOver("the type \(node.typeName.fullName)")
            }
        case .using(let sent): return try self.sent(sent)
        case .baseConstructorCall(let node):
            try buildBase(node)
            return .nothing
        case .attributed: throw .handOver("an unusual expression")
        }
    }

    /// Returns the value of a number literal.
    func number(_ number: NumberValue) throws(Interrupt) -> PSValue {
        switch number {
        case .int32(let value): return .int(value)
        case .int64(let value): return .long(value)
        case .double(let value): return .double(value)
        case .decimal(let digits):
            guard let decimal = PSDecimal(digits) else { throw .handOver("a large number") }
            return .decimal(decimal)
        default: throw .handOver("a number of type \(number.typeName)")
        }
    }

    /// Returns whether an expression is a switch parameter or its entry in `$PSBoundParameters`; the value of both is
    /// kept as a truth value.
    func isSwitch(_ expression: ExpressionSyntax) -> Bool {
        let (place, part): (ExpressionSyntax, ExpressionSyntax?) =
            switch expression {
            case .member(let node) where !node.isStatic: (node.target, node.member)
            case .index(let node): (node.target, node.index)
            default: (expression, nil)
            }
        guard case .variable(let node) = place else { return false }
        let name = node.path.name.lowercased()
        guard let part else {
            guard case .bool? = variables[name] else { return false }
            return typed.types[name] == .known(.toggle)
        }
        guard name == "psboundparameters", case .string(let key) = part, case .bool? = given?[key.value] else {
            return false
        }
        let parameter = key.value.lowercased()
        return typed.types[parameter] == .known(.toggle)
            || ["verbose", "debug", "confirm", "whatif"].contains(parameter)
    }

    private func variable(_ node: VariableExpressionSyntax) throws(Interrupt) -> PSValue {
        guard !node.isSplatted else { throw .handOver("a splat outside of a command") }
        if node.path.qualifier != .none { return try qualified(node.path) }
        if node.path.name == "_" { return current ?? .null }
        let name = node.path.name.lowercased()
        switch name {
        case "psitem": return current ?? .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default:
            if let known = variables[name] {
                if name == "input" { try variables.readInput(known) }
                return known
            }
            guard !foreignVariables.contains(name) else {
                throw .handOver("the variable $\(node.path.name), which was set in the other engine")
            }
            guard AutomaticNames.contains(name), name != "matches" else {
                if name != "matches" { try refuseUnset(node.path.name) }
                return .null
            }
            guard let known = try automatic(name) else {
                throw .handOver("the automatic variable $\(node.path.name)")
            }
            return known
        }
    }

    private func grouped(_ node: ParenExpressionSyntax) throws(Interrupt) -> PSValue { try worth(of: node.pipeline) }

    /// Evaluates `@( )`. A single expression's value is used unchanged; `$x++` counts with its value.
    private func list(_ node: ArrayExpressionSyntax) throws(Interrupt) -> PSValue {
        guard let expression = node.block.pureExpression else {
            return .array(try collected(node.block, leaving: .drops))
        }
        switch try worth(of: expression) {
        case .nothing: return .array([])
        case .array(let items): return .array(items)
        case .list(let list): return try limited(.array(list.items))
        case let only: return .array(only.elements ?? [only])
        }
    }

    /// Whether methods of a value keep their arguments, or give them to code of the script: a list is the same list
    /// there, to which either side may add.
    private static func keepsLists(_ target: PSValue) -> Bool {
        switch target {
        case .list, .table, .block, .ownType: true
        case .object(let object): object.isOfScript
        default: false
        }
    }

    private func call(_ node: InvokeMemberExpressionSyntax) throws(Interrupt) -> PSValue {
        guard node.genericArguments.isEmpty else { throw .handOver("a computed call") }
        let name = try memberName(node.member)
        if let changed = try changedProperties(node, name.lowercased()) { return changed }
        if let made = try madeCollection(node, name.lowercased()) { return made }
        if let answer = try baseCall(node, name) { return answer }
        let target = try worth(of: node.target)
        if let place = node.referenced, case .type(let type) = target { return try tryParse(node, type, into: place) }
        if node.isStatic, case .type(.array) = target, let changed = try changedArray(node, name.lowercased()) {
            return changed
        }
        if let filled = try filledBytes(node, name.lowercased(), of: target) { return filled }
        if node.isNullConditional, target.isNull { return .null }
        if name.lowercased() == "gettype", node.arguments.isEmpty, isSwitch(node.target) {
            return .typeInfo("System.Management.Automation.SwitchParameter")
        }
        let keepsLists = Self.keepsLists(target)
        var arguments: [PSValue] = []
        for argument in node.arguments {
            let one = try worth(of: argument)
            // .NET refuses no output as an argument, in its own words.
            if case .nothing = one, node.isStatic, argument.isIndex { throw .handOver("no output as an argument") }
            arguments.append(keepsLists ? one.withoutNothing : one.plain)
        }
        if node.isStatic {
            if case .ownType(let type) = target { return try counted(try callStatic(type, name, arguments)) }
            guard case .type(let type) = target else { throw .handOver("a static method of a value") }
            let answer = try Statics.call(type, name, arguments, in: self)
            if case .table(let table) = answer, table.isGeneric {
                guard case .type(let written) = node.target else { throw .handOver("a dictionary of unknown types") }
                return .table(table.typed(as: written.typeName.fullName, scriptTypes))
            }
            return noteTyped(try counted(answer))
        }
        if let own = try ownMethod(target, name, arguments) { return noteTyped(try counted(own)) }
        return noteTyped(try counted(try Methods.call(target, name, arguments, onlyReads: onlyReads)))
    }

    /// Evaluates `[type]::TryParse(text, [ref]$place)`.
    private func tryParse(
        _ node: InvokeMemberExpressionSyntax, _ type: PSType, into place: ExpressionSyntax
    ) throws(Interrupt) -> PSValue {
        guard case .string(let name) = node.member else { throw .handOver("a computed call") }
        var given: [PSValue] = []
        for argument in node.arguments.dropLast() { given.append(try value(of: argument)) }
        let read = try Readings.tried(name.value.lowercased(), type, given)
        guard case .variable(let variable) = place else { return .bool(read != nil) }
        guard variable.path.name.lowercased() != "null" else {
            guard onlyReads else { throw .handOver("a reading into nothing") }
            return .bool(read != nil)
        }
        let value = read ?? Readings.unread(type)
        if variable.path.qualifier == .none, case .object(let object) = try reference(to: variable) {
            try set(reference: object, to: value)
        } else {
            try write(value, to: try self.place(of: place))
        }
        return .bool(read != nil)
    }

    /// Returns a value after limiting the nesting of arrays, which are copied and released recursively.
    @discardableResult
    func limited(_ value: PSValue) throws(Interrupt) -> PSValue {
        guard case .array(let items) = value, Self.holdArrays(items) else { return value }
        var known: [UnsafePointer<PSValue>?: Int] = [:]
        guard Self.height(of: items, atMost: 500, &known) != nil else { throw .handOver("values nested deeply") }
        return value
    }

    /// Returns how many arrays are within one another, the given one included; `nil` if there are more than allowed.
    /// - Parameter known: the results for arrays that were met before: a script may double one in each step.
    private static func height(
        of items: [PSValue], atMost most: Int, _ known: inout [UnsafePointer<PSValue>?: Int]
    ) -> Int? {
        guard most > 0 else { return nil }
        guard holdArrays(items) else { return 1 }
        let place = items.withUnsafeBufferPointer(\.baseAddress)
        if let height = known[place] { return height <= most ? height : nil }
        var height = 1
        for case .array(let inner) in items {
            guard let below = self.height(of: inner, atMost: most - 1, &known) else { return nil }
            height = max(height, below + 1)
        }
        known[place] = height
        return height
    }

    private static func holdArrays(_ items: [PSValue]) -> Bool {
        items.contains { if case .array = $0 { true } else { false } }
    }

    private func table(_ node: HashtableSyntax, isOrdered: Bool) throws(Interrupt) -> PSTable {
        let table = PSTable(isOrdered ? .ordered : .hashtable)
        for entry in node.entries {
            let key = try value(of: entry.key)
            guard PSTable.accepts(key) else { throw .handOver("an unusual key") }
            guard table.add(key, try worth(of: entry.value)) else { throw .handOver("a key given twice") }
        }
        return table
    }

    private func convert(_ node: ConvertExpressionSyntax) throws(Interrupt) -> PSValue {
        let name = node.type.typeName.fullName
        if name.lowercased() == "void" {
            _ = try worth(of: node.operand)
            return .nothing
        }
        if name.lowercased() == "ref", case .variable(let variable) = node.operand {
            return try reference(to: variable)
        }
        guard let named = scriptTypes.named(name) else { throw .handOver("a cast") }
        guard case .known(let type) = named else {
            return try cast(try worth(of: node.operand).withoutNothing, to: named)
        }
        if case .hashtable(let literal) = node.operand, type == .ordered || type == .pscustomobject {
            let table = try table(literal, isOrdered: true)
            return type == .ordered ? .table(table) : try Conversion.cast(.table(table), to: type)
        }
        let worth = try worth(of: node.operand)
        // A cast of no output gives the type's default value, where one of `$null` fails.
        if type == .datetime, case .nothing = worth, let first = PSDate(1, 1, 1) { return .date(first) }
        if type == .timespan, case .nothing = worth { return .span(0) }
        if type == .string, case .nothing = worth { return .null }
        let value = worth.withoutNothing
        // What it means depends on the day, so that no recording has it.
        if type == .datetime, onlyReads, case .string(let text) = value, let time = DateText.today(text) {
            return .date(time)
        }
        // .NET seeds text hashes anew in each process, so any order may occur in a run.
        if type == .pscustomobject, host != nil, case .table(let table) = value, let object = PSObject(customOf: table)
        {
            return .object(object)
        }
        return try cast(value, to: named)
    }

    private func unary(_ node: UnaryExpressionSyntax) throws(Interrupt) -> PSValue {
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus: return try stepped(node)
        default: break
        }
        let operand = try value(of: node.operand)
        switch node.op {
        case .exclaim, .not: return .bool(!operand.isTrue)
        case .bnot:
            switch operand {
            case .int(let number): return .int(~number)
            case .long(let number): return .long(~number)
            default: throw .handOver("the bits of \(operand.typeName)")
            }
        case .minus: return try Arithmetic.subtract(.int(0), operand)
        case .plus:
            switch operand {
            case .int, .long, .double, .decimal: return operand
            case .bool, .null: throw .handOver("a sign of \(operand.typeName)")
            default: return try Arithmetic.add(.int(0), operand)
            }
        case .join:
            guard case .array(let items) = operand else { return .string(try PSText.string(operand)) }
            return try counted(.string(try joined(items, "")))
        case .isplit, .csplit:
            guard case .string(let text) = operand,
                text.unicodeScalars.allSatisfy({ $0 == " " || !$0.properties.isWhitespace && $0.value >= 0x20 })
            else { throw .handOver("a split of other than text") }
            return noteTyped(.array(text.split(separator: " ").map { .string(String($0)) }))
        default: throw .handOver("the operator \(node.op.rawValue)")
        }
    }

    /// Evaluates `$x++` and similar operators; returns the value before or after the step.
    private func stepped(_ node: UnaryExpressionSyntax) throws(Interrupt) -> PSValue {
        let place = try place(of: node.operand)
        let before = try read(place).plain
        let isUp = node.op == .plusPlus || node.op == .postfixPlusPlus
        switch before {
        case .null: break
        case .string, .bool, .date, .span, .guid, .version:
            let message =
                "The '\(isUp ? "++" : "--")' operator works only on numbers. The operand is a '\(before.typeName)'."
            throw .statement(NativeError("OperatorRequiresNumber", message, isReadable: true))
        default:
            guard Comparison.isNumber(before) else { throw .handOver("a step of \(before.typeName)") }
        }
        let start: PSValue = before.isNull ? .int(0) : before
        let after = isUp ? try Arithmetic.add(start, .int(1)) : try Arithmetic.subtract(start, .int(1))
        try write(after, to: place)
        return node.op == .plusPlus || node.op == .minusMinus ? after : start
    }

    /// Evaluates `-join`.
    func joined(_ items: [PSValue], _ separator: String) throws(Interrupt) -> String {
        var texts: [String] = []
        try refuseTyped(within: .array(items))
        for item in items {
            texts.append(try PSText.element(item))
        }
        return try StepBound.joined(texts, separator, limit: limits.textBytes)
    }

    /// Returns a compiled pattern, which is compiled once per run.
    /// - Parameter use: what the pattern is for, which decides the error of one that .NET refuses.
    func pattern(
        _ text: String, ignoringCase: Bool, for use: PatternUse = .other
    ) throws(Interrupt) -> Pattern {
        let key = (ignoringCase ? "i" : "c") + text
        if let known = patterns[key] { return known }
        do throws(Interrupt) {
            let made = try Pattern(text, ignoringCase: ignoringCase)
            patterns[key] = made
            return made
        } catch {
            guard case .statement(let record) = error else { throw error }
            throw use.failure(record, text)
        }
    }

    /// What a pattern is for.
    enum PatternUse {
        /// `-match` and `-split`.
        case comparison
        /// `-replace`, and a clause of `switch`.
        case replacement
        /// A method of `[regex]`, with the number of its arguments.
        case call(String, Int)
        /// Anything else.
        case other

        fileprivate func failure(_ record: NativeError, _ text: String) -> Interrupt {
            switch self {
            case .comparison: .statement(record)
            case .replacement:
                .statement(
                    NativeError(
                        "InvalidRegularExpression", "The regular expression pattern \(text) is not valid.",
                        isReadable: true))
            case .call(let method, let count):
                .statement(
                    NativeError(
                        "RegexParseException",
                        "Exception calling \"\(method)\" with \"\(count)\" argument(s): \"\(record.message)\"",
                        isReadable: true))
            case .other: .handOver("a pattern that .NET refuses")
            }
        }
    }

    /// Returns a wildcard pattern, which is parsed once per run.
    func wildcard(_ text: String, ignoringCase: Bool) throws(Interrupt) -> Wildcard {
        let key = (ignoringCase ? "i" : "c") + text
        if let known = wildcards[key] { return known }
        let made = try Wildcard(text, ignoringCase: ignoringCase)
        wildcards[key] = made
        return made
    }
}
