if (-not (Get-MgContext)) {
    Connect-MgGraph -TenantId "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01" -Scopes "Reports.Read.All"
}
Write-Progress -Activity "Reading users"
$i = 0
foreach ($u in Get-MgUser -All) {
    $i++
    Write-Progress -Activity "Reading users" -Status $u.UserPrincipalName
    $methods = Get-MgUserAuthenticationMethod -UserId $u.Id
    [PSCustomObject]@{ User = $u.UserPrincipalName; Methods = $methods.Count }
}
Disconnect-MgGraph -ErrorAction SilentlyContinue
