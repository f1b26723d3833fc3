import PowerShellSyntax
import Testing

@Suite("Syntax tree", .timeLimit(.minutes(5))) struct TreeTests {
    private func statement(_ text: String) throws -> StatementSyntax {
        let script = PowerShellParser.parse(text)
        #expect(script.errors.isEmpty)
        return try #require(script.root?.body?.statements.first)
    }

    private func expression(_ text: String) throws -> ExpressionSyntax {
        try #require(try statement(text).pureExpression)
    }

    /// An expression with parentheses around everything that has an operator.
    private func shape(_ expression: ExpressionSyntax) -> String {
        switch expression {
        case .number(let node): node.text
        case .variable(let node): "$" + node.path.path
        case .string(let node): "'" + node.value + "'"
        case .binary(let node): "(" + shape(node.left) + " " + node.op.rawValue + " " + shape(node.right) + ")"
        case .unary(let node): "(" + node.op.rawValue + " " + shape(node.operand) + ")"
        case .ternary(let node):
            "(" + [node.condition, node.ifTrue, node.ifFalse].map(shape).joined(separator: " : ") + ")"
        case .arrayLiteral(let node): "[" + node.elements.map(shape).joined(separator: " ") + "]"
        case .convert(let node): "<" + node.type.typeName.fullName + ">" + shape(node.operand)
        case .member(let node): shape(node.target) + "." + (node.constantName ?? "?")
        case .index(let node): shape(node.target) + "{" + shape(node.index) + "}"
        default: "?"
        }
    }

    @Test(
        "operators bind as the language says",
        arguments: [
            ("1+2*3", "(1 Plus (2 Multiply 3))"), ("1,2+3,4", "([1 2] Plus [3 4])"), ("1-2-3", "((1 Minus 2) Minus 3)"),
            ("1..3+4", "((1 DotDot 3) Plus 4)"), ("$a -eq 1 -and $b -or $c", "((($a Ieq 1) And $b) Or $c)"),
            ("'a' -f 1 + 2", "(('a' Format 1) Plus 2)"), ("$a ?? 1 + 2", "($a QuestionQuestion (1 Plus 2))"),
            ("$a ?? 1 -eq 2", "(($a QuestionQuestion 1) Ieq 2)"), ("1 -band 2 -eq 2", "(1 Band (2 Ieq 2))"),
            ("-not $a -and $b", "((Not $a) And $b)"), ("[int]$a + 1", "(<int>$a Plus 1)"), ("- $a.b", "(Minus $a.b)"),
            ("$a ? 1 : $b ? 2 : 3", "($a : 1 : ($b : 2 : 3))"), (",1,2", "[[1] 2]"), ("-1", "-1"), ("- 1", "(Minus 1)"),
            ("$a[0].b", "$a{0}.b"), ("!$a -eq $b", "((Exclaim $a) Ieq $b)"), ("$a-eq1", "($a Ieq 1)"),
            ("$a \u{2013}ceq 1", "($a Ceq 1)"), ("[a][b]$c", "<a><b>$c"), ("$i++ + 1", "((PostfixPlusPlus $i) Plus 1)"),
        ])
    func precedence(text: String, expected: String) throws {
        #expect(shape(try expression(text)) == expected)
    }

    @Test(
        "type names print as the engine prints them",
        arguments: [
            "int", "int[]", "int[,]", "int[][]", "System.Collections.Generic.Dictionary[string,int]",
            "System.Collections.Generic.List[string][]",
        ])
    func typeNames(name: String) throws {
        guard case .type(let node) = try expression("[\(name)]") else {
            Issue.record("no type")
            return
        }
        #expect(node.typeName.fullName == name)
    }

    @Test(
        "a doubled backtick in a type name is one",
        arguments: [("a``1[b]", "a`1[b]"), ("a`1[b]", "a`1[b]"), ("a````b", "a``b"), ("a```b[]", "a``b[]")])
    func backticks(written: String, name: String) throws {
        guard case .type(let node) = try expression("[\(written)]") else {
            Issue.record("no type")
            return
        }
        #expect(node.typeName.fullName == name)
        #expect(node.typeName.assembly == nil)
    }

    @Test("an assembly behind a type name is kept apart")
    func assemblies() throws {
        guard case .type(let node) = try expression("[System.Int32,  mscorlib ,Version=1]") else {
            Issue.record("no type")
            return
        }
        #expect(node.typeName.fullName == "System.Int32,mscorlib, Version=1")
        #expect(node.typeName.assembly == "mscorlib, Version=1")
    }

    @Test("extents are UTF-16 ranges of the source")
    func extents() throws {
        let text = "'\u{1F600}'; Get-X -Name:'a' | Sort-Object > out.txt"
        let script = PowerShellParser.parse(text)
        guard case .pipeline(let pipeline)? = script.root?.body?.statements.last else {
            Issue.record("no pipeline")
            return
        }
        #expect(pipeline.extent == SourceExtent(start: 6, end: text.utf16.count))
        #expect(pipeline.elements.map(\.extent.start) == [6, 24])
        guard case .command(let command)? = pipeline.elements.first,
            case .parameter(let parameter) = command.elements[1]
        else {
            Issue.record("no parameter")
            return
        }
        #expect(parameter.nameExtent == SourceExtent(start: 12, end: 18))
        #expect(parameter.extent == SourceExtent(start: 12, end: 21))
    }

    @Test("places in a string stay right where doubled quotes were taken out")
    func nestedPlaces() {
        let text = "\"a$(foo \"\"b\"\" $c)\""
        let facts = ScriptFacts(of: PowerShellParser.parse(text))
        let variable = facts.items.first { if case .variable = $0.detail { true } else { false } }
        #expect(variable?.extent == SourceExtent(start: 14, end: 16))
    }

    @Test("a chain keeps its pipelines and operators in order")
    func chains() throws {
        guard case .pipelineChain(let chain) = try statement("a && b | c || d &") else {
            Issue.record("no chain")
            return
        }
        #expect(chain.pipelines.map(\.elements.count) == [1, 2, 1])
        #expect(chain.operators == [.and, .or])
        #expect(chain.isBackground)
    }

    @Test("named blocks replace the plain body")
    func namedBlocks() throws {
        let root = try #require(PowerShellParser.parse("begin { a } end { b }").root)
        #expect(root.namedBlocks.map(\.kind) == [.begin, .end])
        #expect(root.body == nil)
    }

    @Test("the height of a tree counts what nests and what chains")
    func height() {
        let flat = PowerShellParser.parse(String(repeating: "foo; ", count: 500)).height
        let deep = PowerShellParser.parse(String(repeating: "(", count: 20) + "1" + String(repeating: ")", count: 20))
            .height
        let long = PowerShellParser.parse("1" + String(repeating: "+1", count: 300)).height
        #expect(flat < 10)
        #expect(deep >= 20)
        #expect(long >= 300)
    }
}
