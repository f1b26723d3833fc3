import PowerShellSyntax
import TestSupport
import Testing

@Suite("Mutated texts", .timeLimit(.minutes(5))) struct FuzzTests {
    private static let pieces: [[UInt16]] =
        [
            "$(", "\"", "'", "@'\n", "\n'@", "@\"\n", "\n\"@", "`", "`u{", "{", "}", "(", ")", "[", "]", "@{", "@(",
            "|", "&&",
            "||", "&", ";", "\n", "\r\n", "\r", "<#", "#>", "#", "--%", "--", "-", "$", "${", "?", "??", "?.", "?[",
            "::", "=",
            "+=", "++", "2>&1", ">", "<", "*>", ",", ".", "..", "0x", "1e", "1kb", "param(", "class A {",
            "function f {", "if (",
            "switch (", "data {", "using namespace ", "#requires -", "trap {", "try {", "} catch {", "[A()]", ":l",
            "\u{0}",
            "\u{2013}", "\u{201C}", "\u{2028}", "\u{FFFF}", "$x", "-eq ", "-foo:", "foo ",
        ].map { Array($0.utf16) } + [[0xD800], [0xDC00]]

    private static func mutate(_ source: [UInt16], _ other: [UInt16], _ generator: inout SeededRandom) -> [UInt16] {
        var units = source
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = units.isEmpty ? 0 : Int.random(in: 0...units.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: units.removeLast(units.count - place)
            case 1: units.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: place)
            case 2: if place < units.count { units.remove(at: place) }
            case 3: units.append(contentsOf: other.prefix(place))
            default:
                let end = min(units.count, place + Int.random(in: 0...8, using: &generator))
                units.append(contentsOf: units[place..<end])
            }
        }
        return units
    }

    private func check(_ units: [UInt16]) {
        let script = PowerShellParser.parse(utf16: units)
        let facts = ScriptFacts(of: script)
        #expect(script.errors.isEmpty == (script.root != nil))
        for error in script.errors {
            #expect(!error.id.isEmpty)
            #expect(
                0 <= error.extent.start && error.extent.start <= error.extent.end && error.extent.end <= units.count)
        }
        var last = 0
        for item in facts.items {
            #expect(last <= item.extent.start && item.extent.start <= item.extent.end && item.extent.end <= units.count)
            last = item.extent.start
        }
        #expect(RecordedJSON(facts.jsonBytes) != nil)
    }

    @Test("mutated recordings end in a tree or an error with every place in range", arguments: 0..<8)
    func mutatedRecordings(part: Int) throws {
        let sources = RecordedCaseTests.cases("parse.jsonl").map(\.source).filter { $0.count < 400 }
        try #require(!sources.isEmpty)
        var generator = SeededRandom(seed: UInt64(part) &* 7919 &+ 1)
        for round in 0..<600 {
            let source = sources[(round * 8 + part) % sources.count]
            let other = sources[Int.random(in: 0..<sources.count, using: &generator)]
            check(Self.mutate(source, other, &generator))
        }
    }

    @Test("texts made of nothing but the pieces of the language are safe", arguments: 0..<8)
    func soup(part: Int) {
        var generator = SeededRandom(seed: UInt64(part) + 99)
        for _ in 0..<400 {
            var units: [UInt16] = []
            for _ in 0..<Int.random(in: 1...24, using: &generator) {
                units.append(contentsOf: Self.pieces.randomElement(using: &generator) ?? [])
            }
            check(units)
        }
    }

    @Test("every prefix of a script is safe")
    func prefixes() {
        let script = """
            using namespace System
            #requires -Version 7.0
            [CmdletBinding()] param([Parameter(Mandatory)][string] $Name = 'a', [switch] $Force)
            begin { $x = @{ a = 1; 'b c' = "d$(1 + $y.z[0])" } }
            process {
                foreach ($i in 1..10 | Where-Object { $_ -gt 5 -and -not $false }) { :l while ($true) { break l } }
                switch -Regex ($x) { '^a' { "$a`t" } default { return } }
                try { Get-Thing -Id:$x @splat 2>&1 >> out.txt --% raw } catch [Exception] { throw } finally { }
                [int[]] $list = 0x1F, 1.5kb, -2; $list[0]++; $n = $Force ? 1 : 2; $null ?? 'x'
                @'
            here
            '@ | & { $args }
            }
            """
        let units = Array(script.utf16)
        for length in 0...units.count { check(Array(units[..<length])) }
    }
}
