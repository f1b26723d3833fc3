internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks a function that the script defines: its body is judged here, for any values of its parameters. A name that
    /// already has a meaning, in PowerShell or in a module, is reported, because it would change what later commands
    /// do.
    mutating func walk(definition node: FunctionDefinitionSyntax) {
        let name = node.name.asciiLowercased
        let isOwn = isFree(name)
        if !isOwn { report(.functionDefinition, node.extent, subject: node.name) }
        let outer = (scope: scope, awaited: awaited)
        scope = bodyScope()
        awaited = [:]
        // The entry exists before the body is walked, because a function may call itself.
        if isOwn {
            functions[name] = LocalFunction(most: functions[name]?.most ?? 0)
            defined.insert(name)
        }
        let known = functions
        let most = code(name, titled: node.name, node.extent) { walk in
            for parameter in node.parameters { walk.walk(functionParameter: parameter) }
            walk.walk(block: node.body, in: .function)
        }
        let awaits = awaited ?? [:]
        (scope, awaited) = outer
        // Functions that the body defines end with each of its calls.
        functions = known
        if isOwn {
            functions[name] = LocalFunction(most: max(most, functions[name]?.most ?? 0), awaits: awaits)
        }
    }

    /// Walks the body of a function or method.
    /// - Returns: the most objects that one command in it changes.
    mutating func code(
        _ name: String, titled title: String, _ extent: SourceExtent, _ body: (inout ScriptWalk) -> Void
    ) -> Int {
        let before = changes
        if ownCode[name] == nil { ownCode[name] = OwnCode(title: title, extent: extent) }
        openCode.append(name)
        body(&self)
        openCode.removeLast()
        let most = mostChanged(since: before)
        if most > 0 { ownCode[name]?.isChange = true }
        return most
    }

    /// Notes that the function or method whose body is being walked calls one.
    mutating func note(callOf name: String) {
        if let caller = openCode.last { ownCode[caller]?.calls.insert(name) }
    }

    /// Reports the functions and methods that call themselves, also through others, and change something: they may do
    /// so for any number of objects.
    mutating func reportRecursion() {
        let callees = ownCode.mapValues { code in code.calls.filter { ownCode[$0] != nil } }
        var callers = callees.mapValues { _ in Set<String>() }
        for (name, called) in callees {
            for callee in called { callers[callee]?.insert(name) }
        }
        var changing = Set(ownCode.filter(\.value.isChange).keys)
        var open = Array(changing)
        while let name = open.popLast() {
            for caller in callers[name, default: []] where changing.insert(caller).inserted { open.append(caller) }
        }
        // From a circle of calls, and from what stands between two, calls lead on without an end in both directions.
        let circling = Self.endless(callees, callers).intersection(Self.endless(callers, callees))
        for (name, code) in ownCode.sorted(by: { $0.value.extent.start < $1.value.extent.start })
        where changing.contains(name) && circling.contains(name) {
            if let many = bulk(code.title) { report(many, code.extent) }
        }
    }

    /// Returns the names from which others lead on without an end.
    /// - Parameters:
    ///   - next: the names to which each leads.
    ///   - previous: those that lead to each.
    private static func endless(_ next: [String: Set<String>], _ previous: [String: Set<String>]) -> Set<String> {
        var left = next.mapValues(\.count)
        var ends = left.filter { $0.value == 0 }.map(\.key)
        var endless = Set(next.keys)
        while let end = ends.popLast() {
            endless.remove(end)
            for name in previous[end, default: []] {
                left[name, default: 0] -= 1
                if left[name] == 0 { ends.append(name) }
            }
        }
        return endless
    }

    /// Notes that code runs here that was judged where it is written. If it changes something, so does the code that
    /// runs it, and for many objects it is a change to many.
    /// - Parameters:
    ///   - most: the most objects that one command in it changes; many are reported where it is written.
    ///   - times: how often it runs here.
    mutating func run(judged most: Int, named name: String, times: Int, at extent: SourceExtent) {
        guard most > 0 else { return }
        changes += 1
        let all = ValueFacts.product(most, times)
        scope.most = max(scope.most, all)
        if all > TargetCount.few, most <= TargetCount.few || times > TargetCount.few, let many = bulk(name) {
            report(many, extent)
        }
    }

    /// Checks, at a call of a function, the functions that its body calls: they must be defined by now; otherwise the
    /// name could be any program.
    mutating func settle(
        awaitedBy name: String, _ function: LocalFunction, _ command: CommandSyntax, times: Int
    ) {
        guard !function.awaits.isEmpty else { return }
        var open = function.awaits
        var seen: Set<String> = [name]
        while let (next, call) = open.popFirst() {
            guard seen.insert(next).inserted else { continue }
            if let known = functions[next] {
                open.merge(known.awaits) { first, second in
                    Await(extent: first.extent, times: max(first.times, second.times))
                }
                let all = ValueFacts.product(times, call.times)
                run(judged: known.most, named: next, times: all, at: command.extent)
            } else if awaited != nil {
                awaited?[next] = Await(extent: call.extent, times: ValueFacts.product(times, call.times))
            } else {
                walkUnknown(next, command)
            }
        }
    }

    /// Returns the functions that a script defines anywhere, in lower case.
    static func definitions(in root: ScriptBlockSyntax) -> Set<String> {
        var names: Set<String> = []
        for statement in (root.body?.statements ?? []) + root.namedBlocks.flatMap(\.block.statements) {
            if case .function(let node) = statement { names.insert(node.name.asciiLowercased) }
        }
        return names
    }

    /// Judges the body of a block that a variable holds, for any values, like a function's.
    mutating func judged(_ block: ScriptBlockSyntax) -> LocalFunction {
        let outer = scope
        scope = bodyScope(items: [.unknown])
        let before = changes
        walk(block: block, in: .function)
        let most = mostChanged(since: before)
        scope = outer
        return LocalFunction(most: most)
    }

    /// Returns the most objects that one command of the current body of code changes; 0 if it changes nothing.
    /// Commands of the machine itself, unknown ones and unreadable code are reported where they are written, and
    /// repeated calls don't add to that.
    /// - Parameter before: the number of changes when the body began.
    private func mostChanged(since before: Int) -> Int { changes > before ? max(scope.most, 1) : 0 }

    func isFree(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f || $0 == 0x2d
        }
        let hooks = ["prompt", "tabexpansion2", "pause", "oss", "mkdir", "exec", "help", "more", "cd..", "clear-host"]
        return isPlain && !name.isEmpty && tables.cmdlets.entries(named: name).isEmpty
            && tables.cmdlets.alias(name) == nil && tables.cmdlets.windowsAlias(name) == nil
            && tables.cmdlets.entries(named: "get-" + name).isEmpty && !hooks.contains(name)
            && !name.hasPrefix("psconsolehost")
    }
}
