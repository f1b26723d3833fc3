import ShellSyntax
import TestSupport
import Testing

@Suite("The complete shell language", .timeLimit(.minutes(5)))
struct WholeGrammarTests {
    private static func names(_ text: String) throws -> [[String]] {
        try ShellScript.parse(text, as: .whole).commands.map { $0.words.map(\.value) }
    }

    @Test(
        "finds the commands in every place where they can be",
        arguments: [
            "#", "( # )", "{ #; }", "! #", "a; #", "a & #", "a | #", "a |& #", "a && #", "$(#)", "\"$(#)\"", "`#`",
            "\"`#`\"", "a $(#)", "x=$(#)", "x=($(#))", "a <(#)", "a >(#)", "a > $(#)", "a <<< $(#)", "$(( $(#) ))",
            "${x:-$(#)}", "\"${x:-$(#)}\"", "if #; then a; fi", "if a; then #; fi", "if a; then b; else #; fi",
            "while #; do a; done", "until a; do #; done", "for i in $(#); do a; done", "for i in a; do #; done",
            "case $(#) in a) b;; esac", "case a in a) #;; esac", "case a in (a|b) #;; c) d;; esac", "f() { #; }",
            "function f { #; }", "[[ -n $(#) ]]", "a <<X\n$(#)\nX\n", "a <<-X\n\t`#`\n\tX\n", "a \\\n; #",
            "time #", "@($(#)|b)", "$(a $(b `#`))", "a \"$'\"; #; a \"'\"", "a \"b 'c$'\"; #", "a <<X\n$'\nX\n#",
            "a \"${x:-'b'}\"; #; a \"'\"", "a $[1 + 2]; #", "a <<X\r\nb\r\nX\r\n#",
        ])
    func places(hole: String) throws {
        let text = hole.split(separator: "#", omittingEmptySubsequences: false).joined(separator: "rm x")
        #expect(try Self.names(text).contains(["rm", "x"]), "\(text)")
    }

    @Test(
        "recognises data that the shell doesn't interpret",
        arguments: [
            "a '$(rm x)'", "a \\$\\(rm x\\)", "a <<'X'\n$(rm x)\nX\n", "a <<X\nrm x\nX\n", "a # rm x",
            "for i in rm x; do a; done", "case rm in rm) a;; esac",
        ])
    func data(text: String) throws {
        let names = try? Self.names(text)
        #expect(names?.contains(["rm", "x"]) != true, "\(text)")
    }

    @Test(
        "finds commands behind comments, arithmetic and tests",
        arguments: [
            "((@); a)", "a $((@); b)", "((@))", "(( `@` + 1 ))", "for ((i=0;i<3;i++)); do @; done", "((i++)); @",
            "for x in a # '\ndo @; done # '", "x=(a # '\n b); @ # ')", "case a # '\nin a) @;; esac # '",
            "(( x = '(' )); @; (( ')' ))", #"a "`b \\\"; @; b \\\"`""#, "a <<X\nx \\\ny $(@)\nX",
            "if [[ -f a &&\n -d b ]]; then @; fi", "[[ $x =~ ^(a|b)+(c)$ && -f b || $y == z* ]]; @",
            "a \"${x%$'\\n'}\"; @", "a \"${x//'\\r\\n'/,}\" && @",
            "x=(a # don't\n b); @", "[[ ! -f x && ( -d b || $a -gt b ) ]] && @", "x=1 time @",
        ])
    func hidden(hole: String) throws {
        let text = hole.split(separator: "@", omittingEmptySubsequences: false).joined(separator: "rm x")
        #expect(try Self.names(text).contains(["rm", "x"]), "\(text)")
    }

    @Test(
        "reads the alternatives of an expression if bash reads the text, else refuses them",
        arguments: [
            "[[ $x =~ a|b ]]; rm x", "[[ $x =~ ^a$|^(b|c)$|d ]] && rm x", "[[ -n $x && $y =~ (a)|b ]]; rm x",
            "[[ $x =~ a|b || $x =~ c|$(rm x) ]]", "[[ $x == a && b ]]; rm x",
        ])
    func alternatives(text: String) throws {
        let commands = try ShellScript.parse(text, as: .whole, isBash: true).commands
        #expect(commands.map { $0.words.map(\.value) }.contains(["rm", "x"]), "\(text)")
        #expect(throws: ShellRefusal.self) { try ShellScript.parse(text, as: .whole) }
    }

    @Test(
        "reads a quote behind a backslash in $'…' if bash reads the text, else refuses it",
        arguments: [
            ("a $'b\\'c' d", ["a", "b'c", "d"]), ("a ${x:-$'b\\'}'} d", ["a", "${x:-$'b\\'}'}", "d"]),
        ])
    func escapedQuotes(text: String, words: [String]) throws {
        let command = try #require(try ShellScript.parse(text, as: .whole, isBash: true).commands.first)
        #expect(command.words.map(\.value) == words)
        #expect(throws: ShellRefusal.self) { try ShellScript.parse(text, as: .whole) }
    }

    @Test("knows no shell that takes a quote into a control character")
    func controlQuote() {
        #expect(throws: ShellRefusal.self) { try ShellScript.parse("a $'\\c'b'", as: .whole, isBash: true) }
    }

    @Test(
        "takes what only pipes for no expression",
        arguments: ["[[ a | rm x ]]", "[[ a == b | rm x ]]", "[[ a =~ | rm x; ]]", "[[ a =~ b|c; rm x ]]"])
    func pipes(text: String) {
        #expect(throws: ShellRefusal.self) { try ShellScript.parse(text, as: .whole, isBash: true) }
    }

    @Test(
        "runs nothing for arithmetic",
        arguments: [
            "((i++))", "((i<10))", "(( a > b ))", "(( x = (a + b) * 2, y += 1 ))", "(( ! x ))", "((x = y ? 1 : -z))",
            "(( ${#a[@]} > 0 && a[i] != 1 ))", "((16#ff < $x))", "(( \"$x\" >= 2 ))",
        ])
    func arithmetic(text: String) throws {
        #expect(try Self.names(text) == [])
        #expect(try Self.names("a $\(text)").count == 1)
    }

    @Test(
        "refuses what shells end at different places",
        arguments: [
            "x=(a)#b; rm x", "a <(b)#c; rm x", "a < <(b)#c; rm x", "a \"$\\\n(rm x)\"", "${x:-$\\\n(rm x)}",
            "a <<X\n$\\\n(rm x)\nX", "a <<EOF\nb\nEO\\\nF\nrm x\nEOF\n", "a <<X\nb\\\nX\nrm x\nX\n",
            "a <<\\\n-X\n\tX\nrm x\n", "LANG=C case a in\nrm x\na) b;; esac", ">f case a in\nrm x\na) b;; esac",
            "x=(a) case a in\nrm x\na) b;; esac", "Y=1 [[ a\nrm x\n]]", "case a in a) b", "a; esac",
            "[[ a == @('(') ]]; rm x; [[ a == @(')') ]]", "a <<X\n`b \\\"; rm x; b \\\"`\nX\n",
            "a <<X\n${\nX\nrm x\nb }", "a <<X\n$((\nX\nrm x\nb ))", "[[ a; rm x; ]]", "[[ a ", "[[",
            "a <<X x=(b\nX\nc); rm x", "a <<X; case b in\nX\nb) c;; esac", "[[ a\nrm x\n]]",
            "a <<X\nb\nrm x", "a <<X", "a <<X\nb\nX ", "a <<X <<Y\nX\nrm x", "`a <<X\nb`; rm x", "[[ a & rm x ]]",
            "[[ a | rm x ]]", "[[ a || rm x ]]", "[[ a || $x -r y ]]", "[[ a || ( rm x ) && b ]]",
        ])
    func uneven(text: String) {
        #expect(throws: ShellRefusal.self, "\(text)") { try ShellScript.parse(text, as: .whole) }
    }

    @Test(
        "reads a quote with escapes like a shell",
        arguments: [
            ("$'\\x72\\155'", "rm"), ("a$'b\\n'c", "ab\nc"), ("$'\\u00e9\\U1F600'", "é😀"), ("$'it\\x27s'", "it's"),
            ("$'a\\0b'", "a"), ("$'\\q'", "\\q"), ("$'$(rm x)'", "$(rm x)"), ("$'\\cA'", "\u{1}"),
        ])
    func escapes(text: String, value: String) throws {
        let word = try #require(try ShellScript.parse(text, as: .whole).commands.first?.words.first)
        #expect(word.value == value)
        #expect(word.isFixed)
        // The last two end elsewhere in a shell that knows no such quotes.
        for text in ["$'a", "$'it\\'s'", "\"${x:-$'\\''}\"", "$'\\c''"] {
            #expect(throws: ShellRefusal.self, "\(text)") { try ShellScript.parse(text, as: .whole) }
        }
    }

    @Test(
        "says whether values of variables are computed with",
        arguments: [
            ("echo $((x))", true), ("((x))", true), ("a $[x]", true), ("for ((;;)); do a; done", true),
            ("`a $((x))`", true), ("a \"$((x))\"", true), ("a $(b) ${x} ((", false), ("(a; (b))", false),
        ])
    func computes(text: String, expected: Bool) {
        #expect(((try? ShellScript.parse(text, as: .whole))?.computes ?? false) == expected)
    }

    @Test("names the parts of each word")
    func words() throws {
        let script = try ShellScript.parse("A=1 'B'=2 x \"$y\" z* '*' 2>>log <in >&2 <<<now", as: .whole)
        let command = try #require(script.commands.first)
        #expect(command.assignments.map(\.value) == ["A=1"])
        #expect(command.words.map(\.value) == ["B=2", "x", "$y", "z*", "*"])
        #expect(command.words.map(\.isFixed) == [true, true, false, true, true])
        #expect(command.words.map(\.isLiteral) == [true, true, false, false, true])
        #expect(command.redirections.map(\.kind) == [.append, .input, .duplicate, .hereString])
        #expect(command.redirections.map(\.descriptor) == [2, 0, 1, 0])
        #expect(command.redirections.map(\.writes) == [true, false, false, false])
        #expect(command.redirections.map(\.opensFile) == [true, true, false, false])
        #expect(command.document == "now")
    }

    @Test(
        "knows which commands read the input with which a function is called",
        arguments: [
            ("f() { a; }; b | f; c", ["a", "f"]), ("f() { g; }; g() ( a ); b | f; c", ["g", "a", "f"]),
            ("f() { g() { a; }; b; }; c | f", ["b", "f"]), ("f() if a; then b; fi; c | f; d", ["a", "b", "f"]),
            ("f() a; { b; }; c | f", ["a", "b", "f"]), ("x $(f() { a; }; b | f) y", ["a", "f"]),
            ("f() { a; }; f() { b; }; f <<< x", ["a", "b", "f"]), ("f() { a; }; b | c; f", ["c"]),
        ])
    func feeding(text: String, fed: [String]) throws {
        let script = try ShellScript.parse(text, as: .whole)
        #expect(script.commands.filter { $0.inputs[0] != nil }.map(\.name) == fed)
    }

    @Test(
        "knows the calls by which a function starts itself",
        arguments: [
            (":(){ :|:& };:", [0, 1]), ("f() { g; }; g() { a | f; }; f", [0, 2]), ("f() { a; }; b | f", []),
            ("f() { g; a; }; g() { b; }; c | f", []), ("f() { g() { f; }; g; }; f", [0, 1]),
            ("f() { a; }; g() { f; }; f() { g; }", [1, 2]), ("f() { a; }; g() { f; }; f() { b; }; g", []),
        ])
    func selfCalls(text: String, calls: [Int]) throws {
        #expect(try ShellScript.parse(text, as: .whole).selfCalls == Set(calls))
    }

    @Test("finds the calls of thousands of functions with one name without comparing each with each")
    func sameName() throws {
        func text(_ functions: Int) -> String { String(repeating: "f() { f | f; }; ", count: functions) }
        let (small, large) = (text(1_000), text(10_000))
        let ratio = try ProcessorTime.ratio(
            of: { _ = try ShellScript.parse(large, as: .whole).selfCalls },
            to: { _ = try ShellScript.parse(small, as: .whole).selfCalls })
        #expect(ratio < 40, "ten times the functions took \(ratio) times as long")
        let script = try ShellScript.parse(large, as: .whole)
        #expect(script.selfCalls == Set(script.commands.indices))
        #expect(script.commands.allSatisfy { $0.inputs[0] != nil })
        let other = try ShellScript.parse(String(repeating: "f() { g; }; g() { a; }; ", count: 100), as: .whole)
        #expect(other.selfCalls.isEmpty)
    }

    @Test("recognises functions, and which command feeds which")
    func structure() throws {
        let script = try ShellScript.parse("f() { a | b; }; function g { c; }; cat <<X | sh\ndoc\nX\n", as: .whole)
        #expect(script.functions.map(\.name) == ["f", "g"])
        #expect(script.functions.map(\.body) == [0..<2, 2..<3])
        #expect(script.commands.map(\.name) == ["a", "b", "c", "cat", "sh"])
        #expect(script.commands.map(\.readsPipe) == [false, true, false, false, true])
        #expect(script.commands.map(\.controlOperator) == [.pipe, .sequence, .sequence, .pipe, nil])
        #expect(script.commands[3].document == "doc\n")
    }

    @Test(
        "says what a command reads: by itself, by its surroundings, by earlier redirections",
        arguments: [
            ("a < <(b); #", nil), ("# < <(b)", .output), ("# 3< <(b) <&3", .output), ("exec 3< <(b); # <&3", .output),
            ("exec < f; #", .file("f")), ("{ #; } <<< t", .text("t")), ("(#) <<X\nt\nX\n", .text("t\n")),
            ("if a; then #; fi < f", .file("f")), ("{ { #; } < f; } < g", .file("f")), ("b | { #; }", .output),
            ("{ exec < f; }; #", .file("f")), ("{ exec < f; #; } < g", .output),
            ("exec <<X; (exec < f); #\nt\nX\n", .output), ("exec <<< t; false && exec < f; #", .output),
            ("exec 3< f; exec <&3 3<&-; #", .file("f")), ("# <<X $(b)\nt\nX\n", .text("t\n")), ("b > >(#)", .output),
            ("f() { #; }; f < g", .output), ("# 3< f", nil), ("# <&$x", .output), ("# < /dev/tcp/h/1", .output),
            ("`{ #; } <<< t`", .text("t")), ("{ b; } < f; #", nil), ("b | # < f", .file("f")),
        ] as [(String, Reading?)])
    func inputs(hole: String, expected: Reading?) throws {
        let text = hole.split(separator: "#", omittingEmptySubsequences: false).joined(separator: "rm x")
        let command = try ShellScript.parse(text, as: .whole).commands.first { $0.name == "rm" }
        switch (try #require(command).inputs[0], expected) {
        case (nil, nil), (.output, .output): break
        case (.text(let text, _), .text(let other)): #expect(text == other)
        case (.file(let word), .file(let other)): #expect(word.value == other)
        case (let found, _): Issue.record("\(text): \(String(describing: found))")
        }
    }

    /// The input of a command, in the notation of the tests.
    enum Reading: Sendable {
        case text(String)
        case output
        case file(String)
    }

    @Test(
        "reads quotes in a pattern that bash takes away, and brackets that it computes",
        arguments: [
            ("a \"${x#'}'}\"; @", true, true), ("a \"${x%%'\"'}\"; @", true, true),
            ("a \"${x#'}'}\"; @", false, nil), ("a \"${x#'@'}\"", true, false),
            ("a \"${x:-'}'; @; a '}\"", true, nil), ("a \"${x/'}'/y}\"; @", true, nil),
            ("a \"${x#$'\\''}\"; @; a \"'}\"", true, nil), ("a \"${x#'$(@)'}\"", true, false),
            ("a $[ $x + b[1] ]; @", false, true), ("a $[ b[$(@)] ]", false, true),
            ("a $[ (1 + 2) < 4 ]; @", true, true), ("a $[ (1 + 2) < 4 ]; @", false, nil),
            ("a $[ b[0] # ]\n@", false, nil), ("a $[ 1; @ ]", true, nil), ("a $[ 2#11 ]; @", false, true),
            ("a \"$[ b[${x}] ]\"; @", false, true), ("a $[ b[0]", true, nil),
        ] as [(String, Bool, Bool?)])
    func disputedParts(hole: String, isBash: Bool, runs: Bool?) {
        let text = hole.split(separator: "@", omittingEmptySubsequences: false).joined(separator: "rm x")
        let script = try? ShellScript.parse(text, as: .whole, isBash: isBash)
        #expect(script.map { $0.commands.contains { $0.words.map(\.value) == ["rm", "x"] } } == runs, "\(text)")
    }

    @Test(
        "makes of braces the words that a shell makes of them",
        arguments: [
            ("{a,b}", ["a", "b"]), ("x{a,}y", ["xay", "xy"]), ("{a,b}{1,2}", ["a1", "a2", "b1", "b2"]),
            ("{a,{b,c}d}", ["a", "bd", "cd"]), ("{{a,b}", ["{a", "{b"]), ("{a,b}}", ["a}", "b}"]),
            ("{1..3}", ["1", "2", "3"]), ("{3..-1..2}", ["3", "1", "-1"]), ("{08..10}", ["08", "09", "10"]),
            ("{c..a}", ["c", "b", "a"]), ("{a,\"b c\"}", ["a", "b c"]), ("$H/{a,$x}", ["$H/a", "$H/$x"]),
            ("f{1..1000}", ["f*"]), ("{}", ["{}"]), ("{a}", ["{a}"]), ("'{a,b}'", ["{a,b}"]), ("{a\\,b}x", nil),
            ("\\{a,b}", ["{a,b}"]), ("\"{a,b}\"{c,d}", ["{a,b}c", "{a,b}d"]), ("@{1}", ["@{1}"]),
            ("{{.A}},{{.B}}", ["{{.A}},{{.B}}"]), ("${x}{a,b}", ["${x}a", "${x}b"]), ("{a,b", ["{a,b"]),
            // One shell finds alternatives or a range here, and others don't.
            ("{.../}", nil), ("{a..3}", nil), ("{a},b}", nil), ("{\"a,b\"}", nil), ("{..{a,b}}", nil),
            ("{a}{1..3}..b}", nil),
            ("{a..z}{a..z}", nil), (String(repeating: "{", count: 200) + String(repeating: "}", count: 200), nil),
        ] as [(String, [String]?)])
    func braces(text: String, words: [String]?) throws {
        #expect((try? Self.names("a " + text)) == words.map { [["a"] + $0] })
        #expect((try? Self.names("for x in " + text + "; do a; done") == [["a"]]) == words.map { _ in true })
    }

    @Test("takes each file of a redirection's braces", arguments: ["a > {x,y}", "a > {x,y} <<Z\nb\nZ\n"])
    func bracedRedirections(text: String) throws {
        let command = try #require(try ShellScript.parse(text, as: .whole).commands.first)
        #expect(command.redirections.filter(\.writes).map(\.target.value) == ["x", "y"])
        #expect(text.contains("<<") == (command.document == "b\n"))
    }

    @Test("refuses a word of which braces would make too much, before it is made")
    func longBraces() {
        let open = String(repeating: "{", count: 90)
        let text = String(repeating: open + "a,b" + String(repeating: "}", count: 90), count: 5_000)
        #expect(throws: ShellRefusal.self) { try ShellScript.parse("a " + text, as: .whole) }
        let long = String(repeating: "x", count: 100_000)
        #expect(throws: ShellRefusal.self) { try ShellScript.parse("a {1..100}" + long, as: .whole) }
    }

    @Test("reads many nested redirections in linear time")
    func deepRedirections() throws {
        let text = String(repeating: "{ ", count: 20_000) + "a; " + String(repeating: "} <f; ", count: 20_000)
        #expect(try ShellScript.parse(text, as: .whole).commands.first?.inputs[0] != nil)
        #expect(throws: ShellRefusal.self) { try ShellScript.parse("exec 300<f; a", as: .whole) }
    }

    @Test(
        "refuses text that it can't parse",
        arguments: [
            "a 'b", "a \"b", "a $'b", "a `b", "a $(b", "a ${b", "a $((1", "(a", "a)", "a (b", "f(x)", "[[ a", "x=(a",
            // Shells end these quotes at different places.
            "a \"${x:-'}\"; b; a \"'}\"", "a \"${x:-$'}'}\"", "a $(($'1))'))",
            "a <<'X'${x; b}", "a $(<<'X')\nb\nX", "a $[\n<<X ]\nb\nX", "a <<X\r; b\nX",
            "case a b", "a >", "function f (x", "for i in (",
            String(repeating: "(", count: 50), String(repeating: "$(", count: 50),
            "\"" + String(repeating: "${x:-\"", count: 200), String(repeating: "a ", count: 100_001),
        ])
    func refused(text: String) {
        #expect(throws: ShellRefusal.self) { try ShellScript.parse(text, as: .whole) }
    }
}
