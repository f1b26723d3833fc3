$connect = @{
    TenantId = 'contoso-sandbox.example'
    Scopes   = 'User.Read.All', 'Organization.Read.All'
}
Connect-MgGraph @connect | Out-Null
Write-Progress -Activity "Reading users"
$i = 0
foreach ($u in Get-MgUser -All) {
    $i++
    Write-Progress -Activity "Reading users" -Status $u.UserPrincipalName
    $methods = Get-MgUserAuthenticationMethod -UserId $u.Id
    [PSCustomObject]@{ User = $u.UserPrincipalName; Methods = $methods.Count }
}
Disconnect-MgGraph | Out-Null
