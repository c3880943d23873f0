"""Given and family names, in Latin letters, of countries whose Faker locale writes another script or is missing."""

_ARABIC = (
    "Ahmed Fatima Omar Layla Youssef Aisha Khalid Noor Hassan Mariam Tariq Salma Bilal Zainab Karim Huda".split(),
    "Al-Masri Haddad Khoury Rahman El-Sayed Mansour Nasser Farouk Qureshi Siddiqui Hamdan Abdallah Saleh".split(),
)
_CHINESE = (
    "Wei Jing Xiaoming Li Yan Hao Mei Jun Xin Ling Yuxuan Zihan Tao Qiang Min Hui".split(),
    "Wang Zhang Chen Liu Zhao Huang Zhou Wu Xu Sun Lin Guo Zheng Deng Cao Tan".split(),
)
_JAPANESE = (
    "Haruto Yuki Sakura Kenji Aiko Takashi Naoko Hiroshi Emi Daichi Rina Satoshi Mika Kaito".split(),
    "Tanaka Suzuki Watanabe Yamamoto Kobayashi Nakamura Matsumoto Inoue Saito Fujimoto Okada".split(),
)
_KOREAN = (
    "Min-jun Seo-yeon Ji-hoon Hye-jin Dong-hyun Su-bin Jae-won Yuna Kyung-soo Eun-ji Hyun-woo".split(),
    "Kim Lee Park Choi Jung Kang Yoon Lim Han Shin Kwon Bae Noh".split(),
)
_VIETNAMESE = (
    "Anh Linh Minh Huong Duc Thao Quan Lan Tuan Phuong Khanh Trang".split(),
    "Nguyen Tran Pham Hoang Vu Dang Bui Do Ngo Duong Truong".split(),
)
_NIGERIAN = (
    "Chinedu Ngozi Emeka Adaeze Oluwaseun Funmilayo Tunde Yetunde Ifeanyi Chiamaka Babajide Amina Kelechi".split(),
    "Okafor Adeyemi Nwosu Balogun Eze Okonkwo Adebayo Ogunleye Uche Ibrahim Obi Afolabi".split(),
)
_EAST_AFRICAN = (
    "Wanjiku Otieno Achieng Kamau Njeri Abebe Tigist Mwangi Selam Juma Neema Baraka".split(),
    "Kariuki Odhiambo Tesfaye Mutua Wambui Bekele Kiprono Ochieng Mwakalinga Njoroge".split(),
)
_INDIAN = (
    "Aarav Priya Rohan Ananya Vikram Kavya Arjun Deepika Sanjay Meera Rahul Lakshmi Harpreet Nisha".split(),
    "Sharma Patel Iyer Reddy Singh Gupta Nair Mukherjee Chatterjee Desai Kulkarni Kaur Banerjee Pillai".split(),
)
_SLAVIC = (
    "Olena Dmytro Svetlana Ivan Nadia Sergei Oksana Pavel Irina Bogdan Yulia Andriy Milica Dragan".split(),
    "Kovalenko Shevchenko Petrov Ivanova Bondarenko Sokolov Novak Jovanovic Dimitrov Popescu Horvat Melnyk".split(),
)
_LATIN_AMERICAN = (
    "Guadalupe Mateo Ximena Joaquin Valentina Santiago Camila Thiago Luciana Emiliano Renata Caio".split(),
    "Hernandez Quispe Rojas Villanueva Fuentes Cardoso Mamani Oliveira Bautista Restrepo Zapata Araujo".split(),
)

GIVEN_AND_FAMILY = (
    _ARABIC, _CHINESE, _JAPANESE, _KOREAN, _VIETNAMESE, _NIGERIAN, _EAST_AFRICAN, _INDIAN, _SLAVIC, _LATIN_AMERICAN,
)  # fmt: skip
"""Pairs (given names, family names)."""
