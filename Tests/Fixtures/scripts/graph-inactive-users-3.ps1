Connect-MgGraph -Scopes "User.Read.All", "Directory.Read.All" -NoWelcome
$since = (Get-Date).AddDays(-90)
$users = Get-MgUser -All -Property DisplayName, UserPrincipalName, SignInActivity
$idle = $users | Where-Object { $_.SignInActivity.LastSignInDateTime -lt $since }
$idle | Select-Object DisplayName, UserPrincipalName | Export-Csv inactive.csv -NoTypeInformation
Write-Host "$($idle.Count) users have not signed in" -ForegroundColor Cyan
