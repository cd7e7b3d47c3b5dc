"""Passwords that everybody tries first, of eight characters and more, in lower case."""

_LIST = """
!qaz2wsx !qaz@wsx 00000000 000000000 0000000000 01234567 012345678 0123456789 0987654321 10203040 102030405
1029384756 11111111 111111111 1111111111 11112222 11223344 1122334455 112233445566 12121212 121212121 12312312
123123123 123321123 12341234 12344321 123454321 1234554321 123456123456 12345671 12345678 123456781 123456789
1234567890 123456789a 123456789q 12345678a 12345679 1234567a 123456aa 123456abc 123456qw 123456qwe 12345abc
12345qwe 12345qwert 1234abcd 1234qwer 123789456 123abc123 123qwe123 123qweasd 123qweasdzxc 13131313 147258147
147258369 147852369 147896325 1478963250 159357159 159753159 159753456 19841984 19851985 19861986 19871987
19881988 19891989 19901990 19911991 19921992 19931993 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz1qaz 1qaz2wsx
1qaz2wsx3edc 1qazxsw2 20002000 20012001 20102010 20112011 20122012 20202020 20212021 20222022 20232023
20242024 20252025 20262026 21212121 22222222 2wsx3edc 321654987 33333333 44444444 456789123 55555555 66666666
741852963 753951456 77777777 789456123 7894561230 87654321 88888888 963852741 987654321 9876543210 99999999
a1234567 a12345678 a123456789 a1b2c3d4 a1b2c3d4e5 aa123456 aa12345678 aaa11111 aaaa1111 aaaaaaaa aaaaaaaaaa
abc12345 abc123456 abc123abc abcabc123 abcd1234 abcd12345 abcd123456 abcdabcd abcde123 abcde12345 abcdefg1
abcdefg123 abcdefgh abcdefghi abcdefghij access12 access123 access14 admin123 admin123! admin1234 admin12345
admin123456 admin1admin admin2020 admin2021 admin2022 admin2023 admin2024 admin2025 admin@123 admin@1234
adminadmin administrator administrator1 adminpass adminpassword alexander alexander1 alexander123 alexandra
alexandra1 alhamdulillah amanda12 amanda123 andrew12 andrew123 android1 android123 anthony1 anthony12
anthony123 apple123 apple1234 arsenal1 arsenal123 asd123456 asdasdasd asdf1234 asdfasdf asdfgh123 asdfghjk
asdfghjkl asdqwe123 ashley12 ashley123 asshole1 asshole123 autumn2020 autumn2021 autumn2022 autumn2023
autumn2024 autumn2025 azerty123 azertyuiop baby1234 babydoll1 babygirl babygirl1 babygirl12 babygirl123
barcelona barcelona1 barcelona10 baseball baseball1 baseball12 baseball123 basketball basketball1 basketball23
batman123 batman1234 beautiful beautiful1 benvenuto bienvenido bienvenue bismillah bismillah1 bismillah123
biteme12 blessed1 blessed123 blink182 brandon1 brandon12 brandon123 brittany brittany1 brother1 bubbles1
bullshit bullshit1 buster12 buster123 butterfly butterfly1 cameron1 carolina changeit changeit1 changeme
changeme! changeme1 changeme12 changeme123 changethis charlie1 charlie12 charlie123 charlotte charlotte1
checkout1 cheese12 cheese123 chelsea1 chelsea12 chelsea123 chicago1 chicago123 chocolate chocolate1
chocolate123 christian christian1 christina christina1 christine christopher christopher1 company1 company123
computer computer1 computer12 computer123 contrasena contrasenya contraseña cookie12 cookie123
correcthorsebatterystaple corvette corvette1 cowboys1 creative cristiano cristiano7 crystal1 customer
customer1 customer123 daniel12 daniel123 daniel1234 danielle danielle1 december december1 december12 default1
default123 demo1234 demo12345 demodemo diamond1 diamond123 dolphin1 dolphins dolphins1 dragon12 dragon123
dragon1234 dragonball dragonball1 drowssap einstein elephant elephant1 elizabeth elizabeth1 elizabeth123
example1 example123 facebook facebook1 facebook123 family12 family123 father123 february february1 fernando
fernando1 ferrari1 ferrari123 football football! football1 football12 football123 forever1 forever12
forever123 forever21 fortnite fortnite1 freedom1 freedom12 freedom123 friends1 friends123 friendship fuckfuck
fuckoff1 fuckyou! fuckyou1 fuckyou12 fuckyou123 fuckyou2 gabriel1 gabriel123 gabriela garfield garfield1
genesis1 george12 george123 ginger12 ginger123 godbless1 godisgood google123 google1234 greenday greenday1
guest123 guest1234 guestguest guitar12 guitar123 hannah12 hannah123 happy123 happy1234 happyday hardcore
harley12 harley123 haslo123 heather1 hello123 hello123! hello1234 hello12345 hellohello hellokitty hellokitty1
helloworld helloworld1 heslo123 hockey12 hockey123 hunter12 hunter123 ilovegod ilovehim ilovehim1 ilovejesus
iloveme1 iloveme123 iloveme2 ilovemom ilovemyfamily ilovemymom ilovemyself iloveu123 iloveyou iloveyou!
iloveyou1 iloveyou12 iloveyou123 iloveyou2 iloveyou3 indonesia indonesia1 indonesia123 indonesia45 instagram
instagram1 internet internet1 internet123 iphone123 ironman123 isabella isabella1 jackson1 jackson5 january1
january123 jasmine1 jasmine123 jelszo123 jennifer jennifer1 jennifer123 jeremiah jessica1 jessica12 jessica123
jesus123 jesus1234 jesuschrist jesusislord jonathan jonathan1 jordan12 jordan123 jordan1234 jordan23 joshua12
joshua123 justin12 justin123 juventus juventus1 kassa123 kassa1234 katasandi killer12 killer123 kimberly
kimberly1 kristina lakers24 letmein! letmein1 letmein12 letmein123 letmeinnow letmeinplease linkedin liverpool
liverpool1 liverpool123 lkjhgfdsa login123 login1234 loginlogin lollipop lollipop1 london12 london123 lovelife
lovelove lovelove1 lovely123 lovelygirl loveme12 loveme123 lovers123 loveyou1 loveyou123 loveyou2 lozinka1
madison1 madison123 manager1 manager123 manchester manchester1 manunited manutd123 marina12 marlboro martin12
martin123 marvel123 master12 master123 master1234 mastermaster matthew1 matthew12 matthew123 maverick
maverick1 melissa1 melissa123 mercedes mercedes1 merlin12 metallica metallica1 michael1 michael12 michael123
michelle michelle1 michelle123 microsoft microsoft1 midnight midnight1 minecraft minecraft1 minecraft123
mnbvcxz1 mnbvcxzlkj mohammed mohammed1 money123 money1234 moneymoney monkey12 monkey123 monkey1234 monkeys1
monster1 monster12 monster123 morgan12 motdepasse mother12 mother123 motherfucker mustang1 mustang123
mypassword mypassword1 mypassword123 naruto123 natasha1 nathan12 newpassword newpassword1 nicholas nicholas1
nintendo nintendo1 nirvana1 nopassword nothing1 nothing123 november november1 november11 october1 october12
office123 office365 oldpassword online123 operator operator1 operator123 orange12 orange123 p455w0rd p4ssw0rd
p4ssword p@$$w0rd p@$$word p@ssw0rd p@ssw0rd! p@ssw0rd1 p@ssw0rd12 p@ssw0rd123 p@ssword pa$$w0rd pa$$word
pa55w0rd pa55word pa55word1 paradise parola123 pass1234 pass12345 pass123456 pass@123 pass@1234 pass@word1
passpass passw0rd passw0rd! passw0rd1 passw0rd12 passw0rd123 password password! password!! password#1
password$ password-1 password. password0 password00 password01 password02 password1 password1! password10
password11 password12 password12! password123 password123! password1234 password12345 password123456 password2
password2020 password2021 password2022 password2023 password2024 password2025 password2026 password21
password22 password23 password24 password3 password4 password5 password6 password69 password7 password77
password8 password88 password9 password99 password? password@ password@1 password@12 password@123 password_1
passwordpassword passwords passwort passwort1 passwort123 patricia patricia1 patrick1 patrick123 payment1
peaches1 peanut12 peanut123 pepper12 pepper123 peterpan phoenix1 pikachu1 pikachu123 platinum playboy1
playstation playstation1 poiuytrewq pokemon1 pokemon12 pokemon123 politics porsche1 porsche911 precious
precious1 princesa princess princess! princess1 princess12 princess123 princess2 purple12 purple123 pussy123
q1234567 q12345678 q123456789 q1w2e3r4 q1w2e3r4t5 qazwsx123 qazwsxedc qazwsxedcrfv qq123456 qqqqqqqq qwaszx12
qwe12345 qwe123456 qweasd123 qweasdzxc qweqweqwe qwer1234 qwer12345 qwert123 qwert1234 qwert12345 qwerty!@#
qwerty1! qwerty12 qwerty123 qwerty123! qwerty1234 qwerty12345 qwerty123456 qwertyqwerty qwertyui qwertyuiop
qwertyuiop123 qwertz123 qwertzuiop rahasia1 rahasia123 rahasia12345 rainbow1 rainbow12 rainbow123 ranger123
realmadrid realmadrid1 redskins richard1 robert12 robert123 roblox123 roblox1234 rockstar1 rockyou1 rockyou123
ronaldo123 ronaldo7 root1234 root12345 rootpass rootroot salasana samantha samantha1 samantha123 sample123
samsung1 samsung123 samsung1234 sandi123 sayang123 sayangku scooter1 scorpion scorpion1 sebastian sebastian1
secret12 secret123 secret1234 secretsecret security security1 security123 senha123 senha1234 senha12345
september september1 service1 service123 shadow12 shadow123 shadow1234 shop1234 shopping shopping1 shopshop
silver12 silver123 sister12 skywalker slipknot slipknot1 snickers snoopy12 snowball snowball1 soccer10
soccer12 soccer123 softball softball1 softball12 spiderman spiderman1 spongebob spongebob1 spring2020
spring2021 spring2022 spring2023 spring2024 spring2025 ssssssss starwars starwars1 starwars123 steelers
steelers1 stephanie stephanie1 strawberry strawberry1 student1 student123 summer01 summer12 summer123
summer2020 summer2021 summer2022 summer2023 summer2024 summer2025 sunflower sunflower1 sunshine sunshine!
sunshine1 sunshine12 sunshine123 superman superman1 superman12 superman123 superstar superstar1 superuser
superuser1 support1 support123 sweetheart sweetie1 swordfish sysadmin sysadmin1 system123 system32 teacher1
teacher123 temp1234 temp12345 temporary temporary1 temppass tennis12 terminator test1234 test1234! test12345
test123456 test1test test@123 tester123 testing1 testing12 testing123 testpass testpassword testtest testtest1
testuser thepassword thomas12 thomas123 thunder1 thunder12 tigger12 tigger123 tinkerbell tinkerbell1 toor1234
topsecret topsecret1 tottenham trinity1 trustno1 trustno1! trustnoone universe university vacation valentina
valentine vampire1 vanessa1 veronica veronica1 victoria victoria1 victoria123 volkswagen volleyball w1234567
wachtwoord warcraft warcraft1 watermelon welcome! welcome01 welcome1 welcome1! welcome12 welcome123
welcome123! welcome1234 welcome12345 welcome2 welcome2020 welcome2021 welcome2022 welcome2023 welcome2024
welcome2025 welcome@1 welcome@123 welcomehome whatever whatever1 whatever12 whatever123 wildcats william1
william12 william123 willkommen willkommen1 windows1 windows10 winter12 winter123 winter2020 winter2021
winter2022 winter2023 winter2024 winter2025 wolverine wq123456 wsxedcrfv xxxxxxxx yamaha123 yankees1 yellow12
yellow123 yourpassword youtube1 youtube123 z1234567 zaq12wsx zaq1xsw2 zaq1zaq1 zaqwsx123 zxc12345 zxcv1234
zxcvbnm, zxcvbnm1 zxcvbnm123 zxcvbnmm zxczxczxc zz123456 zzzzzzzz
"""
COMMON: frozenset[str] = frozenset(_LIST.split())
