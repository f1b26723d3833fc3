import PowerShellSyntax
import Testing

@Suite("Faults", .timeLimit(.minutes(5))) struct ErrorTests {
    @Test(
        "an error says in words what is wrong, and its place in lines and columns",
        arguments: [
            ("if (", "if statement missing condition", 1, 5), ("1\n2\n  3 +", "expected value expression", 3, 6),
            ("'ü' | | x", "empty pipe element", 1, 6),
        ])
    func told(text: String, words: String, line: Int, column: Int) throws {
        let error = try #require(PowerShellParser.parse(text).errors.first)
        #expect(error.words == words)
        #expect(error.isOfPowerShell)
        let place = error.place(in: text)
        #expect(place.line == line && place.column == column)
    }

    @Test(
        "a text that the engine refuses is refused with its error",
        arguments: [
            ("foo @a,b", "SplattingNotPermittedInArgumentList"), ("foo -a:@x", "SplattingNotPermitted"),
            ("param(@x)", "SplattingNotPermitted"), ("foreach (@x in 1) {}", "SplattingNotPermitted"),
            ("1 = 2", "InvalidLeftHandSide"), ("$a, 1 = 2", "InvalidLeftHandSide"),
            ("$a, $b += 1", "InvalidLeftHandSide"),
            ("${a}?.b = 1", "InvalidLeftHandSide"), ("(foo) = 1", "InvalidLeftHandSide"),
            ("[void]$a = 1", "VoidTypeConstraintNotAllowed"),
            ("[string]$_ = 1", "AssignmentStatementToAutomaticNotSupported"),
            ("(1)++", "OperatorRequiresVariableOrProperty"),
            ("[ordered]1", "OrderedAttributeOnlyOnHashLiteralNode"), ("@{a=1;A=2}", "DuplicateKeyInHashLiteral"),
            ("@{1=1;'1'=2}", "DuplicateKeyInHashLiteral"), ("[ref][ref]$a", "ReferenceNeedsToBeByItselfInTypeSequence"),
            ("[int][ref]$a", "ReferenceNeedsToBeLastTypeInTypeConversion"), ("[A()]1", "UnexpectedAttribute"),
            ("param([A($x)]$y)", "ParameterAttributeArgumentNeedsToBeConstantOrScriptBlock"),
            ("param([A(b=1,B=2)]$y)", "DuplicateNamedArgument"), ("param($a, $A)", "DuplicateFormalParameter"),
            ("try {} catch {} catch [Exception] {}", "EmptyCatchNotLast"),
            ("try {} catch [Exception] {} catch [IO.IOException] {}", "ExceptionTypeAlreadyCaught"),
            (
                "try {} catch [System.IO.IOException] {} catch [IO.FileNotFoundException] {}",
                "ExceptionTypeAlreadyCaught"
            ),
            ("while (1) { try {} finally { break } }", "ControlLeavingFinally"),
            ("try {} finally { return }", "ControlLeavingFinally"),
            ("foo <a", "RedirectionNotSupported"), ("foo > a > b", "StreamAlreadyRedirected"),
            ("foo 1>&1", "RedirectionNotSupported"),
            ("$using:a.b()", "InvalidUsingExpression"), ("workflow a { }", "WorkflowNotSupportedInPowerShellCore"),
            ("parallel { }", "UnexpectedKeyword"), ("configuration A { }", "ConfigurationNotSupported"),
            ("using module NoSuchModule", "ModuleNotFoundDuringParse"),
            ("using assembly x.dll", "ErrorLoadingAssembly"),
            ("# SIG # Begin signature block\nfoo", "TokenAfterEndOfValidScriptText"),
            ("class A {} class A {}", "MemberAlreadyDefined"),
            ("class A { [NoSuchType] $x }", "TypeNotFound"),
            ("class A { [int] f() { if ($true) { return 1 } } }", "MethodHasCodePathNotReturn"),
            ("class A { f() { $x } }", "VariableNotLocal"),
            ("class A { f() { if (1) { $x = 1 }; $x } }", "VariableNotLocal"),
            ("class A { static f() { $this } }", "NonStaticMemberAccessInStaticMember"),
            ("class A { $x; f() { $x = 1 } }", "MissingThis"),
            ("class A { f() { param($x) } }", "ParamBlockNotAllowedInMethod"),
            ("class A { f() { :a while (1) { break b } } }", "LabelNotFound"),
            ("data { foo }", "CmdletNotInAllowedListForDataSection"),
            ("data { & $x }", "OperatorNotSupportedInDataSection"),
            ("data { $x }", "VariableReferenceNotSupportedInDataSection"),
            ("data { $null.x }", "PropertyReferenceNotSupportedInDataSection"),
            ("data { {} }", "ScriptBlockNotSupportedInDataSection"),
            ("data { [IO.File]1 }", "TypeNotAllowedInDataSection"),
            ("#requires -Version x", "RequiresVersionInvalid"),
            ("#requires -RunAsAdministrator -Version 7", "ParameterCannotHaveArgument"),
            ("#requires foo", "ScriptRequiresInvalidFormat"), ("#requires -PSEdition x", "RequiresPSEditionInvalid"),
            ("+.", "BadNumericConstant"), ("-. ", "BadNumericConstant"), ("1+-.", "BadNumericConstant"),
            ("-.kb", "BadNumericConstant"), ("+.e5", "BadNumericConstant"), ("-.d", "BadNumericConstant"),
            ("[Cmdlet()] class A { }", "CustomAttributeTypeNotFound"),
            ("[Cmdlet('a', 'b', Nope = 1)] class A { }", "PropertyNotFoundForAttribute"),
            ("[Obsolete($x)] class A { }", "ParameterAttributeArgumentNeedsToBeConstant"),
            ("enum E : string { A }", "InvalidUnderlyingType"), ("$x = [a", "EndSquareBracketExpectedAtEndOfAttribute"),
        ])
    func refused(text: String, id: String) {
        let script = PowerShellParser.parse(text)
        #expect(script.errors.map(\.id) == [id])
        #expect(script.root == nil)
        #expect(ScriptFacts(of: script).items.isEmpty)
    }

    @Test(
        "a text that the engine accepts is accepted",
        arguments: [
            "foo @a @b", "$a, $b = 1, 2", "($a) = 1", "[int]$a = 1", "[object]$_ = 1", "$a.b++", "[ordered]@{a=1}",
            "[ref]$a", "[ref]$a = 1", "try {} catch [IO.IOException] {} catch {}",
            "try {} finally { while (1) { break } }",
            "try {} finally { & { return } }", "$using:a.b[0]", "class A { [int] f() { while ($true) { }; return 1 } }",
            "class A { [int] f() { throw 'x' } }",
            "class A { [void] f() { $this.g({ return 1 }) } [int] g($x) { & { return }; return 1 } }",
            "class A { $x; f($y) { $this.x = $y; $z = $y; $z; $global:q; $env:P; $? } }",
            "class A { [A] $next; [B[]] $b } class B : A { B() : base() { } }", "enum E : byte { A = 1; B }",
            "using namespace System.Collections.Generic\nclass A { [List[string]] $x }",
            "using module Microsoft.PowerShell.Utility",
            "class A { [ValidateNotNullOrEmpty()][string] $x }", "data { ConvertFrom-StringData 'a=b' }",
            "data { @{ a = 1, 2; b = @('x') } }",
            "#requires -Version 5\n#requires -Modules a, @{ModuleName='b';ModuleVersion='1.0'}",
            "else {1}", "function f() { param($x) }", "class A { [int] f() { foreach ($i in 1) { }; return $i } }",
            "class A { [int] f() { try { throw 'x' } finally { } } }", "class A { f() { if ($x = 1) { }; $x } }",
            "if (1) {a}; else {b}", "filter f { $_ }", ":a foreach ($x in 1) { continue a }",
            "[Parameter(Mandatory)][string]$x = 'a'", "foo -a:$b,$c", "trap [Exception] { continue }",
            "$x = if (1) { 2 }", "[Obsolete('x')] class A { }", "[Obsolete('x', $true)] enum E { A }",
            "[Cmdlet('Get', 'Thing', SupportsShouldProcess, HelpUri = 'x')] class A { }",
            "[CmdletBinding()] class A { }",
            "foo +. -.", "foo +.5 -.", "+.5", "1.",
        ])
    func accepted(text: String) {
        let script = PowerShellParser.parse(text)
        #expect(script.errors.isEmpty, "\(script.errors)")
        #expect(script.root != nil)
    }

    @Test(
        "a reader would wait for more of an unfinished text",
        arguments: [
            ("foo (", true), ("foo {", true), ("'a", true), ("\"$(", true), ("if ($x", true), ("foo |", true),
            ("@'\nx", true),
            ("<# a", true), ("foo `", true), ("{ $_.Name -e", true), ("foo }", false), ("1 = 2", false),
            ("foo @", false),
        ])
    func incomplete(text: String, isIncomplete: Bool) {
        let script = PowerShellParser.parse(text)
        #expect(!script.errors.isEmpty)
        #expect(script.isIncomplete == isIncomplete)
    }
}
